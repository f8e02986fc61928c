/**
 * Runs contenders against one another: each in a process of its own, all at once, but only one works
 * at a time. A round takes one sample of each, so that a slow moment of the machine does not fall on
 * one of them alone.
 *
 * @module
 */
import { median } from "./figures.ts";

/** Whoever can run workloads: a program that speaks the protocol of `child.ts`. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Program and arguments; the name of the workload follows. */
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
}

/**
 * Workloads whose count is what they are about, or changes what one operation takes: the longer W8
 * runs, the nearer to the top its items go. Others get a count that makes a sample last.
 */
const FIXED: Readonly<Record<string, number>> = {
  W6: 100_000,
  W6r: 100_000,
  W7: 1_000_000,
  W8: 200_000,
  W9: 1_000,
  P2: 100_000,
  P3: 2_000,
  P4: 1_000_000,
  P5: 10_000,
  P6: 20_000,
  R1: 10_000,
  R2: 10_000,
  R3: 10_000,
  R4: 10_000,
  B1: 10_000,
  C1: 10_000,
  C2: 10_000,
  C3: 10_000,
  H1: 10_000,
  H2: 10_000,
  G1: 10_000,
};

const FIRST_COUNT = 8_000;
const SAMPLE_MS = 50;
const WARM_UP_MS = 300;
/** Who needs so long for his samples stands the rest of them out. */
const PATIENCE_MS = 6_000;

/** One contender on one workload. */
export class Runner {
  readonly contender: Contender;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;
  #count = FIRST_COUNT;

  constructor(contender: Contender, workload: string) {
    this.contender = contender;
    const [program, ...args] = contender.command;
    this.#child = new Deno.Command(program!, {
      args: [...args, workload],
      env: { NO_COLOR: "1", ...contender.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** false: this is nothing that it does. */
  async ready(): Promise<boolean> {
    return await this.#next() === "ready";
  }

  /** What the program prints for a count: nanoseconds, or bytes. */
  async ask(count: number): Promise<number> {
    return Number(await this.say(`${count}`));
  }

  /** What the program prints for a line. */
  async say(line: string): Promise<string> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    return await this.#next();
  }

  /** Runs until the code is hot, and finds the count that makes a sample last. */
  async warmUp(fixed: number | undefined): Promise<void> {
    this.#count = fixed ?? FIRST_COUNT;
    const start = performance.now();
    for (let runs = 0; runs < 3 || performance.now() - start < WARM_UP_MS; runs++) {
      const ns = await this.ask(this.#count);
      if (performance.now() - start > PATIENCE_MS) break;
      if (fixed !== undefined) continue;
      const fitting = this.#count * Math.min(10, SAMPLE_MS * 1e6 / ns);
      // W4 deals them out to 8, W5 to 4.
      this.#count = Math.max(8, Math.round(fitting / 8) * 8);
    }
  }

  /** Nanoseconds per operation. */
  async sample(): Promise<number> {
    return await this.ask(this.#count) / this.#count;
  }

  /** Ends the program. */
  async end(): Promise<void> {
    await this.#writer.close().catch(() => {});
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    // Whoever has read what it complained of has read to the end.
    if (!this.#child.stderr.locked) await this.#child.stderr.cancel();
    await this.#child.status;
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (!done) return value;
    const report = await new Response(this.#child.stderr).text();
    throw new Error(report.trim().split("\n")[0] || "the program ended");
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Prints the fault of one who should not have any. */
export const complain: OnFault = ({ name }, workload, reason) =>
  console.error(`${name}, ${workload}: ${reason}`);

/** Nanoseconds per operation of each contender, by name; for each the samples in their order. */
export type Samples = Map<string, number[]>;

/** Told who could not take part, and why. */
export type OnFault = (contender: Contender, workload: string, reason: string) => void;

/** Runs one workload. */
export async function race(
  contenders: readonly Contender[],
  workload: string,
  rounds: number,
  onFault: OnFault,
): Promise<Samples> {
  const runners: Runner[] = [];
  for (const contender of contenders) {
    const runner = new Runner(contender, workload);
    try {
      if (!await runner.ready()) {
        await runner.end();
        continue;
      }
      await runner.warmUp(FIXED[workload]);
      runners.push(runner);
    } catch (error) {
      onFault(contender, workload, (error as Error).message);
      await runner.end().catch(() => {});
    }
  }
  const samples: Samples = new Map(runners.map(({ contender }) => [contender.name, []]));
  const spent = new Map<Runner, number>();
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) {
      const before = spent.get(runner) ?? 0;
      if (before > PATIENCE_MS && round >= 3) continue;
      const start = performance.now();
      samples.get(runner.contender.name)!.push(await runner.sample());
      spent.set(runner, before + performance.now() - start);
    }
  }
  for (const runner of runners) await runner.end();
  return samples;
}

/** Bytes of one of `count` holdings, the median of three processes; undefined: it has none. */
export async function weigh(
  contender: Contender,
  holding: string,
  count: number,
): Promise<number | undefined> {
  const figures: number[] = [];
  for (let i = 0; i < 3; i++) {
    const runner = new Runner(contender, `memory:${holding}`);
    try {
      if (!await runner.ready()) return undefined;
      figures.push(await runner.ask(count) / count);
    } finally {
      await runner.end().catch(() => {});
    }
  }
  return median(figures);
}
