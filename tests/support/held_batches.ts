import type { Context } from "../../mod.ts";
import type { BatchHandler, BatchResults, Failed } from "../../flow/mod.ts";
import { settled } from "./settle.ts";

/** A batch in a handler's hands. */
export interface HeldBatch<T, R> {
  readonly items: readonly T[];
  readonly ctx: Context;
  /** The handler gives this; without it, nothing. */
  end(results?: readonly (R | Failed)[]): void;
  /** The handler throws this. */
  fail(error: unknown): void;
}

/** A handler that has its batches until it is told to end. */
export class HeldBatches<T, R = void> {
  /** All that it was given, oldest first. */
  readonly all: HeldBatch<T, R>[] = [];

  readonly handler: BatchHandler<T, R> = (items, ctx) => {
    const { promise, resolve, reject } = Promise.withResolvers<BatchResults<R>>();
    const end = (results?: readonly (R | Failed)[]): void => resolve(results as BatchResults<R>);
    this.all.push({ items, ctx, end, fail: reject });
    return promise;
  };

  /** The items of all batches. */
  get items(): (readonly T[])[] {
    return this.all.map(({ items }) => items);
  }

  /** The last one. */
  get last(): HeldBatch<T, R> {
    return this.all.at(-1)!;
  }
}

/** All that can happen without a turn of the event loop has happened. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 30; i++) await null;
}

/**
 * Registers that time stands still in each test of the file. The turn guard goes by it: on a busy machine
 * it would hold back, until the next turn, what a test waits for without one.
 */
export function testsStandStill(): void {
  const { now } = performance;
  Deno.test.beforeEach(async () => {
    await settled();
    const at = performance.now();
    performance.now = () => at;
  });
  Deno.test.afterEach(() => void (performance.now = now));
}
