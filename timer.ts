/**
 * Time as something to wait for: tickers, which are received from as channels are, and a sleep that
 * a context ends early. The timeout of a select is its case `after`.
 *
 * A timer runs only while somebody waits for it or its ticker is not stopped. Delays beyond the
 * 24.8 days that `setTimeout` can hold are waited for in pieces.
 *
 * @example
 * ```ts
 * import { ticker } from "@sluice/sluice/timer";
 *
 * using ticks = ticker(1);
 * let count = 0;
 * for await (const _ of ticks) if (++count === 3) break;
 * ```
 *
 * @module
 */
import { checkNumber } from "./core/check.ts";
import type { Cancel, Receiver, Wait } from "./core/contract.ts";
import { QueueCore } from "./core/queue_core.ts";
import { CoreReceiver } from "./core/receiver.ts";
import { Ring } from "./core/ring.ts";
import { type Endable, type Link, release, type Sequel, watch } from "./core/scope.ts";
import { Timeout } from "./core/timeout.ts";
import { countCall, refused } from "./core/turn.ts";
import { enter, scopeOf } from "./core/wait.ts";
import { park, WaitList, WaitNode } from "./core/wait_list.ts";

export type { Cancel, Receiver, ReceiverIterator, Wait } from "./core/contract.ts";

/**
 * Go's `time.Ticker`. The value is `performance.now()` at the tick. It holds one tick at most, and
 * drops those that come while that one is not received. Stopping, by disposing or by the context's
 * end, closes it, so that loops over it end.
 *
 * @example
 * ```ts
 * import { type Ticker, ticker } from "@sluice/sluice";
 *
 * async function threeTimes(ticks: Ticker): Promise<void> {
 *   let count = 0;
 *   for await (const _ of ticks) if (++count === 3) ticks[Symbol.dispose]();
 * }
 * await threeTimes(ticker(1));
 * ```
 */
export interface Ticker extends Receiver<number>, Disposable {}

/**
 * A ticker that ticks every `ms` milliseconds until it is disposed or `cancel` ends; Go's
 * `time.NewTicker`. Ticks keep to the times that the first one sets: a late tick does not delay the
 * next.
 *
 * @example
 * ```ts
 * import { ticker } from "@sluice/sluice";
 *
 * using ticks = ticker(1);
 * const { value } = await ticks.receive();
 * console.log(`ticked at ${value} ms`);
 * ```
 *
 * @throws TypeError or RangeError if `ms` is not a number above 0.
 */
export function ticker(ms: number, cancel?: Cancel): Ticker {
  checkNumber("ms", ms);
  if (ms <= 0) throw new RangeError(`ms must be more than 0: ${ms}`);
  return new CoreTicker(tickerCore(), ms, cancel);
}

function tickerCore(): QueueCore {
  return new QueueCore({ kind: "channel", overflow: "dropNewest" }, 1, new Ring());
}

class CoreTicker extends CoreReceiver<number> implements Ticker, Endable, Sequel {
  links: Link | null = null;
  readonly #core: QueueCore;
  readonly #ms: number;
  #next: number;
  #timer: Timeout | undefined;

  constructor(core: QueueCore, ms: number, cancel: Cancel | undefined) {
    super(core);
    this.#core = core;
    this.#ms = ms;
    this.#next = performance.now() + ms;
    if (cancel !== undefined) {
      const scope = scopeOf(cancel, "cancel");
      if (scope.check()) {
        core.close();
        return;
      }
      watch(scope, this);
    }
    this.#arm(ms);
  }

  /** The context has ended. */
  end(): Sequel {
    return this;
  }

  follow(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#timer?.stop();
    release(this);
    if (!this.#core.closed) this.#core.close();
  }

  #arm(ms: number): void {
    this.#timer = new Timeout(ms, () => this.#tick());
  }

  #tick(): void {
    const now = performance.now();
    // At least one period on; as many as have been missed, if the event loop was busy.
    const periods = Math.max(1, Math.floor((now - this.#next) / this.#ms) + 1);
    this.#next += periods * this.#ms;
    this.#arm(Math.max(0, this.#next - now));
    this.#core.offer(now);
  }
}

/**
 * Resolves after `ms` milliseconds, or rejects as soon as `wait` ends; Go's `time.Sleep`. 0 or less
 * waits for one turn of the timers, Infinity for the end of `wait` alone.
 *
 * @example
 * ```ts
 * import { background, sleep, withTimeout } from "@sluice/sluice";
 * import { assertRejects } from "@std/assert";
 *
 * await sleep(1);
 * using ctx = withTimeout(background(), 5);
 * await assertRejects(() => sleep(60_000, ctx));
 * ```
 *
 * @throws Rejects with a TypeError or RangeError if `ms` is no number.
 */
export function sleep(ms: number, wait?: Wait): Promise<void> {
  countCall();
  try {
    checkNumber("ms", ms);
    if (wait !== undefined) enter(wait);
  } catch (error) {
    return refused(error);
  }
  const node = new WaitNode(undefined);
  const timer = new Timeout(ms, () => {
    node.leave();
    node.settle(undefined);
  });
  return park(new WaitList({ left: () => timer.stop() }), node, wait);
}
