/**
 * One who reads a watch: which of its values he has seen. There is at most one value for him to read, the
 * latest.
 *
 * @module
 */
import type { Receiver } from "../../core/contract.ts";
import { CoreReceiver } from "../../core/receiver.ts";
import { CoreIterator } from "../../core/receiver_iterator.ts";
import type { Audience } from "./audience.ts";
import { Outlet, type Readable } from "./outlet.ts";

/**
 * The end of a {@linkcode Watch} that one reader has: a receiver of the current value, and then of the
 * latest one whenever it has changed. Disposing it ends its calls that wait.
 *
 * @example
 * ```ts
 * import { Watch, type WatchReader } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const level = new Watch("low");
 * using reader: WatchReader<string> = level.reader();
 * assertEquals(await reader.take(), "low");
 * level.set("middle");
 * level.set("high");
 * assertEquals([await reader.take(), reader.tryReceive()], ["high", undefined]);
 * ```
 */
export interface WatchReader<out T> extends Receiver<T>, Disposable {}

/** What a watch shows its readers. */
export interface Watched {
  readonly value: unknown;
  /** How often it has changed. */
  readonly version: number;
}

/** The latest value, unless it has been read. */
class Latest implements Readable {
  readonly #of: Watched;
  #seen = -1;

  constructor(of: Watched) {
    this.#of = of;
  }

  get length(): number {
    return this.#of.version > this.#seen ? 1 : 0;
  }

  read(): unknown {
    this.#seen = this.#of.version;
    return this.#of.value;
  }
}

/** A way out of a watch, for one who has seen nothing yet. */
export function outletOf(of: Watched, audience: Audience, name: string | undefined): Outlet {
  return new Outlet(new Latest(of), audience, 1, "watch", name);
}

/** Reads a watch until it is disposed. */
export class CoreWatchReader<T> extends CoreReceiver<T> implements WatchReader<T> {
  readonly outlet: Outlet;
  readonly #all: Set<CoreWatchReader<T>>;

  /** `all`: where it is listed until it is disposed. */
  constructor(outlet: Outlet, all: Set<CoreWatchReader<T>>) {
    super(outlet.core);
    this.outlet = outlet;
    this.#all = all;
    all.add(this);
  }

  [Symbol.dispose](): void {
    this.outlet.close(undefined, true);
    this.#all.delete(this);
  }
}

/** Iterates over a watch. Nobody lists it: one that is left behind is garbage. */
export class WatchIterator<T> extends CoreIterator<T> {
  readonly #outlet: Outlet;

  constructor(outlet: Outlet) {
    super(outlet.core);
    this.#outlet = outlet;
  }

  override return(): Promise<IteratorResult<T, undefined>> {
    const returned = super.return();
    this.#outlet.stepDown();
    return returned;
  }
}
