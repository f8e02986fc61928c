/**
 * Sources and sinks as a user may write them, on the public face of the open protocol alone.
 *
 * @module
 */
import {
  ClosedError,
  type Received,
  type Sink,
  sinkPort,
  type Source,
  sourcePort,
  type Waiter,
} from "../../mod.ts";

/** Those who wait at one end. */
class Waiters {
  readonly #all = new Set<Waiter>();
  /** What happened, for tests to count. */
  parks = 0;

  get count(): number {
    return this.#all.size;
  }

  park(waiter: Waiter): boolean {
    this.parks++;
    this.#all.add(waiter);
    return false;
  }

  unpark(waiter: Waiter): void {
    this.#all.delete(waiter);
  }

  /** One by one, until one has committed. */
  wakeOne(): boolean {
    for (const waiter of [...this.#all]) {
      if (this.#all.has(waiter) && waiter.wake()) return true;
    }
    return false;
  }
}

/** A source that does what it is told, and the waiters that it keeps. */
export function bare<T>(
  tryTake: () => Received<T> | undefined,
  park: () => boolean = () => false,
): { source: Source<T>; waiters: Set<Waiter> } {
  const waiters = new Set<Waiter>();
  const source: Source<T> = {
    [sourcePort]: {
      tryTake,
      park: (waiter) => (waiters.add(waiter), park()),
      unpark: (waiter) => void waiters.delete(waiter),
    },
  };
  return { source, waiters };
}

/** As fed by another thread: a value comes between the attempt and the park. */
export class Racing<T> implements Source<T> {
  readonly values: (T | string)[] = [];
  readonly waiters = new Set<Waiter>();
  #late: number;

  constructor(late: number) {
    this.#late = late;
  }

  readonly [sourcePort] = {
    tryTake: (): Received<T> | undefined => {
      const value = this.values.shift();
      return value === undefined ? undefined : { ok: true, value: value as T };
    },
    park: (waiter: Waiter): boolean => {
      this.waiters.add(waiter);
      if (this.#late-- <= 0) return false;
      this.values.push("late");
      return true;
    },
    unpark: (waiter: Waiter): void => void this.waiters.delete(waiter),
  };
}

/** A source of values that a test puts in. */
export class Shelf<T> implements Source<T> {
  readonly waiters = new Waiters();
  readonly values: T[] = [];
  attempts = 0;
  #end: Received<T> | undefined;

  readonly [sourcePort] = {
    tryTake: (): Received<T> | undefined => {
      this.attempts++;
      return this.values.length > 0 ? { ok: true, value: this.values.shift()! } : this.#end;
    },
    park: (waiter: Waiter): boolean => this.waiters.park(waiter),
    unpark: (waiter: Waiter): void => this.waiters.unpark(waiter),
  };

  put(value: T): void {
    this.values.push(value);
    this.#serve();
  }

  end(error?: unknown): void {
    this.#end = { ok: false, value: undefined, error };
    this.#serve();
  }

  #serve(): void {
    while ((this.values.length > 0 || this.#end !== undefined) && this.waiters.wakeOne());
  }
}

/** A sink with as much room as a test gives it. */
export class Rack<T> implements Sink<T> {
  readonly waiters = new Waiters();
  readonly values: T[] = [];
  attempts = 0;
  #room = 0;
  #closed = false;

  readonly [sinkPort] = {
    tryOffer: (value: T): boolean => {
      this.attempts++;
      if (this.#closed) throw new ClosedError("the rack is closed", { value });
      if (this.#room === 0) return false;
      this.#room--;
      this.values.push(value);
      return true;
    },
    park: (waiter: Waiter): boolean => this.waiters.park(waiter),
    unpark: (waiter: Waiter): void => this.waiters.unpark(waiter),
  };

  makeRoom(count = 1): void {
    this.#room += count;
    while (this.#room > 0 && this.waiters.wakeOne());
  }

  close(): void {
    this.#closed = true;
    while (this.waiters.wakeOne());
  }
}

/** Where a sender and a receiver meet; it keeps no value. */
export class Rendezvous<T> implements Source<T>, Sink<T> {
  readonly takers = new Waiters();
  readonly givers = new Waiters();
  /** The value of the giver whose attempt runs. */
  #offered: { readonly value: T } | undefined;
  /** Where the taker whose attempt runs wants its value. */
  #asked: { got: { readonly value: T } | undefined } | undefined;

  readonly [sourcePort] = {
    tryTake: (): Received<T> | undefined => this.#take(),
    park: (waiter: Waiter): boolean => this.takers.park(waiter),
    unpark: (waiter: Waiter): void => this.takers.unpark(waiter),
  };

  readonly [sinkPort] = {
    tryOffer: (value: T): boolean => this.#offer(value),
    park: (waiter: Waiter): boolean => this.givers.park(waiter),
    unpark: (waiter: Waiter): void => this.givers.unpark(waiter),
  };

  #take(): Received<T> | undefined {
    let got = this.#offered;
    if (got !== undefined) {
      this.#offered = undefined;
    } else {
      const outer = this.#asked;
      const asked = this.#asked = { got };
      this.givers.wakeOne();
      this.#asked = outer;
      got = asked.got;
    }
    return got && { ok: true, value: got.value };
  }

  #offer(value: T): boolean {
    if (this.#asked !== undefined && this.#asked.got === undefined) {
      this.#asked.got = { value };
      return true;
    }
    const outer = this.#offered;
    this.#offered = { value };
    this.takers.wakeOne();
    const taken = this.#offered === undefined;
    this.#offered = outer;
    return taken;
  }
}
