/**
 * What `tee` and `split` give: receivers that are filled from one source.
 *
 * @module
 */
import type { Receiver, ReceiverIterator } from "../../core/contract.ts";
import type { Received } from "../../core/protocol.ts";
import { CoreReceiver } from "../../core/receiver.ts";
import { CoreIterator } from "../../core/receiver_iterator.ts";
import type { BranchCore } from "./branch_core.ts";
import type { StreamStats } from "./flow_stream.ts";

/**
 * One of the receivers that a {@linkcode tee} or a {@linkcode split} gives. When nobody will read it any
 * more it has to be closed, or it holds up the others: leaving a loop over it, or disposing it, does so.
 *
 * @example
 * ```ts
 * import { type Branch, tee } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b]: [Branch<number>, Branch<number>] = tee([1, 2, 3]);
 * assertEquals(await Promise.all([a.take(), b.take()]), [1, 1]);
 * b.close();
 * assertEquals(await Promise.all([a.take(), a.take()]), [2, 3]);
 * ```
 */
export interface Branch<out T> extends Receiver<T>, Disposable {
  /**
   * Leaves it out from now on, and drops what it has not been read. When all are closed the source is
   * stopped. Closing twice does nothing.
   */
  close(): void;
  /** How it is doing: `read` counts what came for this branch; `over` says whether it is closed. */
  stats(): StreamStats;
  /** An iterator whose `return`, and so leaving the loop, closes the branch. */
  [Symbol.asyncIterator](): ReceiverIterator<T>;
}

export class ForkBranch<T> extends CoreReceiver<T> implements Branch<T> {
  readonly #core: BranchCore;

  constructor(core: BranchCore) {
    super(core);
    this.#core = core;
  }

  override tryReceive(): Received<T> | undefined {
    const got = super.tryReceive();
    // Or whoever only looks would never see anything.
    if (got === undefined) this.#core.want();
    return got;
  }

  override [Symbol.asyncIterator](): ReceiverIterator<T> {
    return new BranchIterator<T>(this.#core);
  }

  close(): void {
    this.#core.leave();
  }

  stats(): StreamStats {
    return this.#core.stats();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** No CoreIterator of its own kind, since who is done with it has to tell the branch. */
class BranchIterator<T> implements ReceiverIterator<T> {
  readonly #core: BranchCore;
  readonly #values: CoreIterator<T>;

  constructor(core: BranchCore) {
    this.#core = core;
    this.#values = new CoreIterator<T>(core);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#values.next();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    const left = this.#values.return();
    this.#core.leave();
    return left;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
