/**
 * The trials of `deno task chaos`: that their accounts are right, that they would find what goes wrong, and
 * that a few of them, made small, go as promised.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { inWords, Ledger } from "../bench/chaos/ledger.ts";
import { Proxy } from "../bench/chaos/proxy.ts";
import { fails, line, table, withTable } from "../bench/chaos/report.ts";
import type { Scene } from "../bench/chaos/scene.ts";
import type { Row, Trial } from "../bench/chaos/trial.ts";
import { play, trials } from "../bench/chaos/trials.ts";
import { JobQueueError } from "../jobs/mod.ts";
import { background, sleep, withCancel } from "../mod.ts";

Deno.test("lost is what was acknowledged and never handled, unless it is a dead letter", () => {
  const ledger = new Ledger();
  ledger.acknowledge(1, 2, 3);
  ledger.handle([2, 4]);
  assertEquals(ledger.lost(), [1, 3]);
  assertEquals(ledger.lost(new Set([3])), [1]);
  // A job is handled before its producer hears that it is stored.
  assertEquals([ledger.acknowledged, ledger.handled, ledger.has(2), ledger.has(4)], [
    3,
    2,
    true,
    false,
  ]);
});

Deno.test("twice is how many jobs were handled more than once; a stall is between two that were", () => {
  const ledger = new Ledger();
  ledger.handle([1, 2], 1_000);
  ledger.handle([2], 1_500);
  ledger.handle([2, 3], 1_700);
  assertEquals([ledger.twice, ledger.stall, ledger.times(2)], [1, 500, 3]);
});

Deno.test("what callers saw is told once for each error, with how often", () => {
  const ledger = new Ledger();
  assertEquals(ledger.saw, "no error");
  const error = new JobQueueError('"/tmp/chaos-1/jobs.db" is full', "storage");
  for (const _ of [1, 2]) ledger.see(inWords(error));
  ledger.see(inWords(new TypeError("no")));
  ledger.see(inWords("text"));
  assertEquals(
    ledger.saw,
    '2 times JobQueueError "storage": "jobs.db" is full; TypeError: no; text',
  );
});

function trialOf(run: Trial["run"], more: Partial<Trial> = {}): Trial {
  return { name: "test", engine: "memory", what: "a | b", seconds: 5, run, ...more };
}

const nothing = trialOf(() => Promise.resolve({ saw: "no error", faults: [] }));
const good: Row = {
  trial: nothing,
  seconds: 1,
  acknowledged: 8_000,
  lost: 0,
  twice: 2,
  stall: 1_234,
  saw: "no error",
  faults: [],
};
const bad: Row = { trial: nothing, seconds: 1, saw: "-", faults: ["3 were lost"] };

Deno.test("a fault fails the command, unless its trial is only to be told of", () => {
  assertEquals([fails(good), fails(bad)], [false, true]);
  const told = { ...bad, trial: { ...nothing, asserted: false } };
  assertEquals(fails(told), false);
  assertEquals([good, bad, told].map((row) => line(row).slice(0, 5)), ["ok   ", "WRONG", "told "]);
  assertStringIncludes(line(good), "acknowledged 8000, lost 0, twice 2, stall 1.2 s");
  assertStringIncludes(line(bad), "BUT 3 were lost");
});

Deno.test("the table has a row for each trial, and stands between the marks of its page", () => {
  const lines = table([good, bad]).split("\n");
  assertEquals(lines.length, 4);
  assertStringIncludes(lines[2]!, "| a \\| b | 8,000 | 0 | 2 | 1.2 s | no error |");
  assertStringIncludes(lines[3]!, "| - | - | - | - | -; **but 3 were lost** |");
  const page = "before\n<!-- chaos: begin -->\nold\n<!-- chaos: end -->\nafter\n";
  const written = withTable(page, "new");
  assertEquals(written, page.replace("old", "\nnew\n"));
  assertEquals(withTable(written, "new"), written);
  assertThrows(() => withTable("none", "new"), Error, "chaos: begin");
});

Deno.test("the page of durability has the marks, and names every trial's engine", async () => {
  const page = await Deno.readTextFile(new URL("../docs/durability.md", import.meta.url));
  withTable(page, "");
  for (const { engine } of trials) assertStringIncludes(page, engine);
});

Deno.test("a trial that takes too long is a fault, and all that it started is ended", async () => {
  let ended = false;
  const slow = trialOf(async (scene: Scene) => {
    scene.keep({ [Symbol.asyncDispose]: () => Promise.resolve(void (ended = true)) });
    await sleep(60_000, scene.ctx);
    throw new Error("not reached");
  }, { seconds: 0.02 });
  const { faults } = await play(slow, background(), true);
  assertEquals([faults, ended], [["it did not end within 0.02 s"], true]);
});

Deno.test("a trial that throws is a fault; one that nobody wants any more throws", async () => {
  const broken = trialOf(() => Promise.reject(new RangeError("broken")));
  assertEquals((await play(broken, background(), true)).faults, ["RangeError: broken"]);
  using ctx = withCancel(background());
  const stopped = trialOf(async (scene: Scene) => {
    ctx.cancel(new Error("Ctrl-C"));
    await sleep(60_000, scene.ctx);
    throw new Error("not reached");
  });
  await assertRejects(() => play(stopped, ctx, true), Error, "Ctrl-C");
});

/** Sends back what it gets. */
function echo(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const conn of listener) conn.readable.pipeTo(conn.writable).catch(() => {});
  })();
  return listener;
}

async function ask(conn: Deno.Conn, text: string): Promise<string> {
  await conn.write(new TextEncoder().encode(text));
  const answer = new Uint8Array(100);
  const count = await conn.read(answer);
  return new TextDecoder().decode(answer.subarray(0, count ?? 0));
}

Deno.test("the network that can be broken hands on, loses, and ends connections", async () => {
  using server = echo();
  await using proxy = new Proxy(server.addr.port);
  const port = Number(proxy.host.split(":")[1]);
  {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    assertEquals(await ask(conn, "hello"), "hello");
    assertEquals(proxy.connections, 1);
    const silent = proxy.swallow(20);
    // What it would have sent back is lost, and the connection ends.
    assertEquals(await ask(conn, "again").catch(() => ""), "");
    await silent;
  }
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  assertEquals(await ask(conn, "hello"), "hello");
  proxy.drop();
  assertEquals(await ask(conn, "again").catch(() => ""), "");
  assertEquals(proxy.connections, 0);
});

const small: readonly (readonly [name: string, engine: string])[] = [
  ["queue-full", "memory"],
  ["poison", "memory"],
  ["poison", "sqlite"],
  ["consumer-killed", "sqlite"],
  ["clients-killed", "sqlite"],
  ["server-killed", "nats"],
  ["connection-dropped", "nats"],
  ["password-changed", "nats"],
  ["nobody-there", "nats"],
];
for (const [name, engine] of small) {
  Deno.test(`153: trial ${name} on ${engine} goes as promised`, async () => {
    const trial = trials.find((trial) => trial.name === name && trial.engine === engine);
    assert(trial !== undefined);
    const row = await play(trial, background(), true);
    assertEquals(row.faults, [], line(row));
  });
}
