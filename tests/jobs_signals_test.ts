/**
 * Signals of the process: a drain at the first, the usual end at the second, and runtimes that have none.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background, withCancel } from "../mod.ts";
import { consume, memoryJobs } from "../jobs/mod.ts";
import { type StopSignal, StopSignals } from "../jobs/stop_signals.ts";
import { settled, state } from "./support/settle.ts";

const worker = new URL("./support/draining_worker.ts", import.meta.url).pathname;

/** A worker of its own process, and what it says. */
class Child implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #text = "";
  /** It is not to go on for ever, whatever goes wrong. */
  readonly #bound: ReturnType<typeof setTimeout>;

  constructor(...args: string[]) {
    this.#child = new Deno.Command("deno", {
      args: ["run", "--quiet", "--no-prompt", "--no-lock", "--no-check", worker, ...args],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#bound = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
  }

  /** Reads until it has said that. */
  async says(line: string): Promise<void> {
    while (!this.#text.includes(`${line}\n`)) {
      const { done, value } = await this.#output.read();
      assert(!done, `it has ended without ${line}: ${this.#text}`);
      this.#text += value;
    }
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async goOn(): Promise<void> {
    await this.#input.write(new Uint8Array([10]));
  }

  /** How it has ended, and all that it has said. */
  async end(): Promise<{ code: number; signal: string | null; lines: string[] }> {
    for (;;) {
      const { done, value } = await this.#output.read();
      if (done) break;
      this.#text += value;
    }
    const { code, signal } = await this.#child.status;
    return { code, signal, lines: this.#text.trim().split("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#bound);
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }
}

Deno.test("171: at SIGTERM a worker finishes its job, takes no other, and exits with 0", async () => {
  await using child = new Child();
  await child.says("begin 0");
  await child.goOn();
  await child.says("begin 1");
  child.kill("SIGTERM");
  await child.says("signal");
  await child.goOn();
  // Of three jobs two are done, none was given back, and one waits for somebody else.
  assertEquals(await child.end(), {
    code: 0,
    signal: null,
    lines: ["begin 0", "end 0", "begin 1", "signal", "end 1", "[2,2,0,1,0]"],
  });
});

Deno.test("171: a second SIGTERM ends it at once", async () => {
  await using child = new Child();
  await child.says("begin 0");
  child.kill("SIGTERM");
  await child.says("signal");
  child.kill("SIGTERM");
  const { signal, lines } = await child.end();
  assertEquals([signal, lines], ["SIGTERM", ["begin 0", "signal"]]);
});

Deno.test("171: after `grace` the handler's context ends, too, and its job is given back", async () => {
  await using child = new Child("--grace", "20");
  await child.says("begin 0");
  child.kill("SIGTERM");
  const { code, lines } = await child.end();
  assertEquals([code, lines], [0, ["begin 0", "signal", "[1,0,1,3,0]"]]);
});

Deno.test("171: the signals may be others, and without any the process ends as always", async () => {
  {
    await using child = new Child("--signals", "SIGINT,SIGHUP");
    await child.says("begin 0");
    child.kill("SIGHUP");
    await child.says("signal");
    await child.goOn();
    const { code, lines } = await child.end();
    assertEquals([code, lines], [0, ["begin 0", "signal", "end 0", "[1,1,0,2,0]"]]);
  }
  for (const signals of ["SIGINT", ""]) {
    await using child = new Child("--signals", signals);
    await child.says("begin 0");
    child.kill("SIGTERM");
    assertEquals((await child.end()).signal, "SIGTERM");
  }
});

/** A runtime that has nothing but what is given. */
function runtime(given: { Deno?: unknown; process?: unknown }): Disposable {
  const names = ["Deno", "process"] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name)!);
  for (const name of names) {
    Object.defineProperty(globalThis, name, { value: given[name], configurable: true });
  }
  return {
    [Symbol.dispose]() {
      names.forEach((name, at) => Object.defineProperty(globalThis, name, before[at]!));
    },
  };
}

/** Who listens to what, in a runtime that knows some signals. */
class Listeners {
  readonly known: readonly string[];
  readonly on: [string, () => void][] = [];

  constructor(...known: string[]) {
    this.known = known;
  }

  readonly add = (name: string, listener: () => void): void => {
    if (!this.known.includes(name)) throw new TypeError(`Invalid signal: ${name}`);
    this.on.push([name, listener]);
  };
  readonly remove = (name: string, listener: () => void): void => {
    const at = this.on.findIndex((one) => one[0] === name && one[1] === listener);
    this.on.splice(at, 1);
  };

  send(name: string): void {
    for (const [one, listener] of [...this.on]) if (one === name) listener();
  }
}

Deno.test("171: in Deno, and in Node: the first that comes is told, and then nobody listens any more", () => {
  for (const kind of ["Deno", "process"]) {
    const listeners = new Listeners("SIGTERM", "SIGINT");
    const { add, remove } = listeners;
    using _ = runtime(
      kind === "Deno"
        ? {
          Deno: { addSignalListener: add, removeSignalListener: remove },
          process: { on: remove },
        }
        : { process: { on: add, off: remove } },
    );
    const told: StopSignal[] = [];
    const signals = new StopSignals(["SIGTERM", "SIGINT", "SIGTERM"], (name) => told.push(name));
    assertEquals(listeners.on.map(([name]) => name), ["SIGTERM", "SIGINT"]);
    listeners.send("SIGINT");
    assertEquals([told, listeners.on], [["SIGINT"], []]);
    signals[Symbol.dispose]();
    // Disposed before one came:
    new StopSignals(undefined, () => told.push("SIGHUP"))[Symbol.dispose]();
    listeners.send("SIGTERM");
    assertEquals([told, listeners.on], [["SIGINT"], []]);
  }
});

Deno.test("171: a signal that the system does not know is an error that names it, and nobody listens", async () => {
  const listeners = new Listeners("SIGTERM");
  const { add, remove } = listeners;
  using _ = runtime({ Deno: { addSignalListener: add, removeSignalListener: remove } });
  const error = assertThrows(
    () => new StopSignals(["SIGTERM", "SIGBREAK"], () => {}),
    RangeError,
    "signals: this system knows no SIGBREAK",
  );
  assertEquals([(error.cause as Error).message, listeners.on], ["Invalid signal: SIGBREAK", []]);
  await using queue = await memoryJobs<number>();
  await queue.put(1);
  await assertRejects(() => consume(queue, () => {}, { signals: ["SIGBREAK"] }), RangeError);
  await settled();
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("171: where SIGTERM is not known, or there are no signals, the default does nothing", async () => {
  for (const given of [{ process: { on: new Listeners().add } }, {}, { process: {} }]) {
    using _ = runtime(given);
    const queue = await memoryJobs<number>();
    await queue.put(1);
    const working = consume(queue, () => {});
    await queue.join();
    await queue.close();
    assertEquals((await working).done, 1);
  }
  // Where there are none at all nobody misses those that are asked for.
  using _ = runtime({});
  new StopSignals(["SIGINT"], () => {})[Symbol.dispose]();
});

Deno.test("171: a consumer listens until it has ended, also during a drain of another kind", async () => {
  const listeners = new Listeners("SIGTERM");
  const { add, remove } = listeners;
  using _ = runtime({ process: { on: add, off: remove } });
  for (const way of ["drain", "signal", "ctx", "close"]) {
    const queue = await memoryJobs<number>();
    await queue.put(1);
    using drain = withCancel(background());
    using ctx = withCancel(background());
    const end = Promise.withResolvers<void>();
    const working = consume(queue, () => end.promise, { drain, ctx });
    await settled();
    assertEquals(listeners.on.length, 1);
    if (way === "drain") drain.cancel();
    if (way === "signal") listeners.send("SIGTERM");
    if (way === "ctx") ctx.cancel();
    if (way === "close") await queue.close();
    assertEquals(await state(working), "pending");
    assertEquals(listeners.on.length, way === "signal" ? 0 : 1);
    // One that comes during another end changes nothing, and is not the process's end.
    listeners.send("SIGTERM");
    assertEquals(await state(working), "pending");
    end.resolve();
    assertEquals(await state(working), way === "ctx" ? "rejected" : "fulfilled");
    assertEquals(listeners.on, []);
    await queue.close();
  }
});
