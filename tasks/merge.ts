import type { Cancel, Context, ReceiverIterator, WaitOptions } from "../core/contract.ts";
import { recv, select } from "../select.ts";
import { LazyStream } from "./lazy_stream.ts";
import { drain, type Producer, type Tap, tapsOf } from "./tap.ts";

/**
 * The values of several producers as they come, until all have come to their end. If one fails, that is
 * told, and the others are stopped.
 *
 * From channels and queues a value is taken only for a `next` that waits for it, so that leaving loses
 * none. Of other producers one value each is on its way: they are asked for the next when the last one
 * was read.
 *
 * @example
 * ```ts
 * import { merge } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = [Channel.from([1, 2]), Channel.from([10, 20])];
 * const seen: number[] = [];
 * for await (const n of merge([a, b])) seen.push(n);
 * assertEquals(seen.toSorted((x, y) => x - y), [1, 2, 10, 20]);
 * ```
 *
 * @throws TypeError if `producers` is no list, or one of them is none.
 */
export function merge<T>(
  producers: Iterable<Producer<T>>,
  wait?: Cancel | WaitOptions,
): ReceiverIterator<T> {
  return new MergedStream<T>(tapsOf(producers), wait);
}

class MergedStream<T> extends LazyStream<T, T> {
  readonly #taps: readonly Tap<T>[];
  /** Those of which each `next` takes for itself; all others are drained into the outlet. */
  readonly #sources: Set<Tap<T>>;
  /** There have been some: then the outlet, too, is read in the order of the calls. */
  readonly #selects: boolean;
  /** How many have not come to their end. */
  #left: number;
  #ctx: Context | undefined;
  /** The `next` before this one: they take in the order of their calls. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(taps: readonly Tap<T>[], wait: Cancel | WaitOptions | undefined) {
    super(0, wait);
    this.#taps = taps;
    this.#sources = new Set(taps.filter(({ source }) => source !== undefined));
    this.#selects = this.#sources.size > 0;
    this.#left = taps.length;
  }

  protected override begin(ctx: Context): void {
    this.#ctx = ctx;
    if (this.#left === 0) this.complete();
    for (const tap of this.#taps) if (!this.#sources.has(tap)) void this.#drain(tap, ctx);
  }

  protected override stop(): void {
    for (const tap of this.#taps) tap.stop();
  }

  protected override take(): Promise<IteratorResult<T, undefined>> {
    if (!this.#selects) return super.take();
    const taken = this.#before.then(() => this.#select());
    this.#before = taken.catch(() => {});
    return taken;
  }

  protected override read(value: T): T {
    return value;
  }

  async #drain(tap: Tap<T>, ctx: Context): Promise<void> {
    try {
      await drain(tap, (value) => this.outlet.send(value, ctx), ctx);
      this.#ended();
    } catch (error) {
      this.fail(error);
    }
  }

  #ended(): void {
    if (--this.#left === 0) this.complete();
  }

  /** One value of the sources, or what was put into the outlet. */
  async #select(): Promise<IteratorResult<T, undefined>> {
    while (!this.over && this.#sources.size > 0) {
      const cases = [...this.#sources].map((tap) => [tap, recv<T>(tap.source)] as const);
      try {
        const { key, ...got } = await select([...cases, [null, recv(this.outlet)]], this.#ctx);
        if (got.ok) return { done: false, value: got.value };
        if (key === null) break;
        this.#sources.delete(key);
        if ("error" in got) this.fail(got.error);
        else this.#ended();
      } catch (error) {
        // If the context has ended, the outlet tells why.
        if (!this.#ctx!.done) this.fail(error);
        break;
      }
    }
    return super.take();
  }
}
