/**
 * A program that works on three jobs, one after the other, each until it is told to go on; `--grace MS`,
 * `--signals LIST`. It tells on its standard output what happens.
 *
 * @module
 */
import { consume, memoryJobs, type StopSignal } from "../../jobs/mod.ts";

const option = (name: string): string | undefined => {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
};
const grace = option("--grace");
const signals = option("--signals")?.split(",").filter(Boolean) as StopSignal[] | undefined;

// Tells of a signal once whoever listened has dealt with it.
const taps = new Map<() => void, () => void>();
const { addSignalListener, removeSignalListener } = Deno;
Deno.addSignalListener = (name, listener) => {
  const tap = (): void => {
    listener();
    console.log("signal");
  };
  taps.set(listener, tap);
  addSignalListener(name, tap);
};
Deno.removeSignalListener = (name, listener) => removeSignalListener(name, taps.get(listener)!);

const input = Deno.stdin.readable.getReader();
const queue = await memoryJobs<number>();
for (let n = 0; n < 3; n++) await queue.put(n);
const stats = await consume(queue, async (job, ctx) => {
  console.log(`begin ${job.value}`);
  const ended = new Promise<void>((resolve) =>
    ctx.signal.addEventListener("abort", () => resolve())
  );
  await Promise.race([input.read(), ended]);
  ctx.throwIfDone();
  console.log(`end ${job.value}`);
}, { concurrency: 1, signals, grace: grace === undefined ? undefined : Number(grace) });
const { ready, leased } = await queue.stats();
console.log(JSON.stringify([stats.taken, stats.done, stats.returned, ready, leased]));
await input.cancel();
await queue.close();
