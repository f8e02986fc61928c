/**
 * Questions of behaviour that a piece answers by what it does; `claims.ts` puts them.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Job, noop, sleep } from "./contest.ts";

/** Runs a job when it may. */
export type Run = (job: Job) => Promise<unknown>;

/** Keeps the event loop busy, so that timers are late. */
function block(ms: number): void {
  const start = performance.now();
  while (performance.now() - start < ms);
}

/** The most starts in any 200 ms: one call, and 12 when its 200 ms are nearly over. A limit of 5. */
export async function holdsInBursts(run: Run): Promise<boolean> {
  const starts: number[] = [];
  const job = (): Promise<void> => {
    starts.push(performance.now());
    return noop();
  };
  const calls = [run(job)];
  await sleep(170);
  for (let i = 0; i < 12; i++) calls.push(run(job));
  await Promise.all(calls);
  // Their clocks count whole milliseconds.
  const within = (start: number): number =>
    starts.filter((at) => at >= start && at < start + 198).length;
  return starts.every((start) => within(start) <= 5);
}

/** One each 50 ms, while the event loop stands still for a time. */
export async function holdsWhenLate(run: Run): Promise<boolean> {
  const starts: number[] = [];
  const calls = [1, 2, 3, 4].map(() =>
    run(() => {
      starts.push(performance.now());
      return noop();
    })
  );
  await sleep(30);
  block(65);
  await Promise.all(calls);
  return starts.every((start, i) => i === 0 || start - starts[i - 1]! >= 48);
}

/** Four jobs, each with a value of its own. */
export async function keepsAsyncContext(run: Run): Promise<boolean> {
  const storage = new AsyncLocalStorage<number>();
  const seen: boolean[] = [];
  await Promise.all([1, 2, 3, 4].map((n) =>
    storage.run(n, () =>
      run(async () => {
        seen.push(storage.getStore() === n);
        await sleep(1);
      }))
  ));
  return seen.every((isOwn) => isOwn);
}

/** Two jobs of 60 ms with a timeout of 10 ms, and one place. */
export async function keepsPlaces(run: Run): Promise<boolean> {
  let [running, most] = [0, 0];
  const job = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await sleep(60);
    running--;
  };
  const calls = [run(job), run(job)];
  await Promise.allSettled(calls);
  await sleep(130);
  return most === 1;
}

/** Three calls of 6, 8 and 4 units of 10. */
export async function servesInOrder(
  run: (units: number, job: Job) => Promise<unknown>,
): Promise<boolean> {
  const order: number[] = [];
  await Promise.all([6, 8, 4].map((units) =>
    run(units, () => {
      order.push(units);
      return noop();
    })
  ));
  return order.join() === "6,8,4";
}

/** A breaker. */
export interface Guard {
  readonly run: Run;
  /** Opens it; it is half open soon after. */
  open(): void;
  isClosed(): boolean;
  end(): void;
}

/** For how long a breaker is open. */
export const OPEN_FOR = 20;

/** A call that began before it opened succeeds when it is half open. */
export async function ignoresLateSuccess(guard: Guard): Promise<boolean> {
  const gate = Promise.withResolvers<void>();
  const early = guard.run(() => gate.promise);
  guard.open();
  await sleep(OPEN_FOR * 2);
  gate.resolve();
  await early;
  const isClosed = guard.isClosed();
  guard.end();
  return !isClosed;
}

/** A trial call hangs; much later another one is made. */
export async function outlivesHangingTrial(guard: Guard): Promise<boolean> {
  guard.open();
  await sleep(OPEN_FOR * 2);
  void guard.run(() => new Promise(() => {})).catch(() => {});
  await sleep(150);
  const isRun = await guard.run(noop).then(() => true, () => false);
  guard.end();
  return isRun;
}

/** One of two items fails. */
export async function tellsEachItem(
  submit: (item: number) => Promise<number | void>,
): Promise<boolean> {
  const [good, bad] = await Promise.allSettled([submit(1), submit(-1)]);
  return good.status === "fulfilled" && good.value === 1 && bad.status === "rejected";
}

/** Three keys are used, and then not. */
export async function forgetsKeys(
  use: (key: string) => Promise<unknown>,
  keys: () => number,
): Promise<boolean> {
  await Promise.all(["a", "b", "c"].map(use));
  const before = keys();
  await sleep(250);
  return before === 3 && keys() === 0;
}
