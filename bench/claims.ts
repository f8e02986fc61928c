/**
 * What the documents claim and a test must not time: each claim is measured and told beside its
 * bound.
 *
 * @module
 */
import { background, Channel, withCancel, withTimeout } from "../mod.ts";

/** One claim, measured. */
export interface Claim {
  readonly text: string;
  readonly measured: string;
  readonly holds: boolean;
}

/** Milliseconds for `count` calls that wait on one signal to be rejected. */
async function cancelOnOneSignal(count: number): Promise<number> {
  const controller = new AbortController();
  const ch = new Channel<number>();
  const outcomes = Array.from(
    { length: count },
    () => ch.receive(controller.signal).then(() => 0, () => 1),
  );
  const start = performance.now();
  controller.abort(new Error("enough"));
  let rejected = 0;
  for (const outcome of outcomes) rejected += await outcome;
  if (rejected !== count) throw new Error(`${rejected} of ${count} were rejected`);
  return performance.now() - start;
}

async function cancelManyOnOneSignal(): Promise<Claim> {
  const samples: number[] = [];
  for (let i = 0; i < 7; i++) samples.push(await cancelOnOneSignal(20_000));
  const [best, , , median, , , worst] = samples.toSorted((a, b) => a - b);
  return {
    text: "20,000 parked receives on one AbortSignal are cancelled in under 100 ms",
    measured: `${median!.toFixed(0)} ms (${best!.toFixed(0)} to ${worst!.toFixed(0)})`,
    holds: median! < 100,
  };
}

function deriveAndCancel(count: number): void {
  using parent = withCancel(background());
  for (let i = 0; i < count; i++) {
    using child = withCancel(parent);
    using timed = withTimeout(child, 60_000);
    if (timed.done) throw new Error("a fresh context has ended");
  }
}

function heapStaysFlat(): Claim {
  const { gc } = globalThis as { gc?: () => void };
  const used = (): number => {
    gc?.();
    return Deno.memoryUsage().heapUsed;
  };
  deriveAndCancel(1_000);
  const before = used();
  deriveAndCancel(100_000);
  const grown = (used() - before) / 1024;
  return {
    text: "100,000 contexts derived and cancelled leave the heap flat (less than 1 MiB more)",
    measured: gc === undefined ? "run with --v8-flags=--expose-gc" : `${grown.toFixed(0)} KiB more`,
    holds: gc !== undefined && grown < 1024,
  };
}

async function timersRunBesideABusyPair(): Promise<Claim> {
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  let over = false;
  let worst = 0;
  const measure = (): void => {
    const due = performance.now() + 1;
    setTimeout(() => {
      worst = Math.max(worst, performance.now() - due);
      if (!over) measure();
    }, 1);
  };
  measure();
  setTimeout(() => over = true, 500);
  const echo = async (): Promise<void> => {
    for await (const value of ping) await pong.send(value);
  };
  const call = async (): Promise<void> => {
    using _ = ping;
    while (!over) {
      await ping.send(1);
      await pong.receive();
    }
  };
  await Promise.all([call(), echo()]);
  return {
    text: "a 1 ms timer fires within 20 ms beside a busy ping-pong of 500 ms",
    measured: `${worst.toFixed(1)} ms late at worst`,
    holds: worst < 20,
  };
}

/** Measures all claims, one after the other. */
export async function claims(): Promise<Claim[]> {
  return [await cancelManyOnOneSignal(), heapStaysFlat(), await timersRunBesideABusyPair()];
}
