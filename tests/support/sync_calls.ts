/**
 * Every waiting call of `sync/`, each in a state in which it has to wait. So what all of them have
 * in common can be tested on all of them.
 *
 * @module
 */
import type { Wait } from "../../mod.ts";
import {
  Barrier,
  Condition,
  Event,
  type Guard,
  Mutex,
  once,
  onceOk,
  type Permit,
  RwLock,
  Semaphore,
  SingleFlight,
  WaitGroup,
} from "../../sync/mod.ts";

export interface SyncCall {
  call(wait?: Wait): Promise<unknown>;
  /** Serves the first who waits, or all of them; if nobody waits, the next call need not. */
  serve(): void;
  /** `serve` decides before it returns. */
  readonly instant: boolean;
  /** Whether the next call need not wait after `serve`, if nobody waits. */
  readonly keeps: boolean;
  /** All that can be told from outside. */
  seen(): unknown;
  /** How many such calls wait; undefined: it cannot be told. */
  waiting(): number | undefined;
}

/** The name of each, and how to set it up. */
export const syncCalls: Readonly<Record<string, () => SyncCall>> = {
  "Mutex.lock": () => locking((mutex, wait, got) => mutex.lock(wait).then(got)),
  "Mutex.run": () =>
    locking((mutex, wait, got) =>
      mutex.run(() => new Promise<void>((end) => got({ release: end })), wait)
    ),
  "Semaphore.acquire": () => acquiring((semaphore, wait, got) => semaphore.acquire(wait).then(got)),
  "Semaphore.acquireMany": () =>
    acquiring((semaphore, wait, got) => semaphore.acquireMany(2, wait).then(got)),
  "Semaphore.run": () =>
    acquiring((semaphore, wait, got) =>
      semaphore.run(() => new Promise<void>((end) => got({ release: end })), wait)
    ),
  "RwLock.read": () => {
    const lock = new RwLock();
    let holder: Guard | undefined = lock.tryWrite();
    return {
      call: (wait) => lock.read(wait),
      serve: () => {
        holder?.release();
        holder = undefined;
      },
      instant: true,
      keeps: true,
      seen: () => [lock.readers, lock.writing, lock.waiting],
      waiting: () => lock.waiting,
    };
  },
  "RwLock.write": () => {
    const lock = new RwLock();
    const holders: Releasable[] = [lock.tryRead()!];
    return {
      call: (wait) => lock.write(wait).then((guard) => void holders.push(guard)),
      serve: () => holders.shift()?.release(),
      instant: true,
      keeps: true,
      seen: () => [lock.readers, lock.writing, lock.waiting],
      waiting: () => lock.waiting,
    };
  },
  "Condition.wait": () => {
    const condition = new Condition();
    const { mutex } = condition;
    return {
      call: (wait) => holding(mutex, (guard) => condition.wait(guard, wait)),
      serve: () => {
        using guard = mutex.tryLock()!;
        condition.notify(guard);
      },
      instant: true,
      keeps: false,
      seen: () => [mutex.waiting, condition.waiting],
      waiting: () => condition.waiting,
    };
  },
  "Condition.waitFor": () => {
    const condition = new Condition();
    const { mutex } = condition;
    let stock = 0;
    return {
      call: (wait) =>
        holding(mutex, (guard) => condition.waitFor(guard, () => stock > 0 && stock--, wait)),
      serve: () => {
        stock++;
        using guard = mutex.tryLock()!;
        condition.notify(guard);
      },
      // Its promise follows that of a wait by some microtasks.
      instant: true,
      keeps: true,
      seen: () => [mutex.waiting, condition.waiting, stock],
      waiting: () => condition.waiting,
    };
  },
  "Event.wait": () => {
    const event = new Event();
    return {
      call: (wait) => event.wait(wait),
      serve: () => event.set(),
      instant: true,
      keeps: true,
      seen: () => [event.isSet, event.waiting],
      waiting: () => event.waiting,
    };
  },
  "Barrier.wait": () => {
    const barrier = new Barrier(10);
    return {
      call: (wait) => barrier.wait(wait),
      serve: () => {
        // If nobody waits, the next one is the last who is missing.
        const enough = barrier.waiting > 0 ? barrier.parties : barrier.parties - 1;
        for (let come = barrier.waiting; come < enough; come++) void barrier.wait();
      },
      instant: true,
      keeps: true,
      seen: () => [barrier.broken, barrier.waiting],
      waiting: () => barrier.waiting,
    };
  },
  "WaitGroup.wait": () => {
    const group = new WaitGroup();
    group.add();
    return {
      call: (wait) => group.wait(wait),
      serve: () => void (group.count > 0 && group.done()),
      instant: true,
      keeps: true,
      seen: () => [group.count, group.waiting],
      waiting: () => group.waiting,
    };
  },
  "once": () => running(once),
  "onceOk": () => running(onceOk),
  "SingleFlight.do": () => {
    const flight = new SingleFlight<string, number>();
    return {
      ...running((fn) => (wait) => flight.do("key", fn, wait)),
      keeps: false,
    };
  },
};

interface Releasable {
  release(): void;
}

type Got = (holder: Releasable) => void;

function locking(call: (mutex: Mutex, wait: Wait | undefined, got: Got) => Promise<unknown>) {
  const mutex = new Mutex();
  const holders: Releasable[] = [mutex.tryLock()!];
  return {
    call: (wait?: Wait) => served(holders, (got) => call(mutex, wait, got)),
    serve: () => holders.shift()?.release(),
    instant: true,
    keeps: true,
    seen: () => [mutex.locked, mutex.waiting],
    waiting: () => mutex.waiting,
  };
}

function acquiring(
  call: (semaphore: Semaphore, wait: Wait | undefined, got: Got) => Promise<unknown>,
) {
  const semaphore = new Semaphore(2);
  const all: Permit = semaphore.tryAcquireMany(2)!;
  const holders: Releasable[] = [all];
  return {
    call: (wait?: Wait) => served(holders, (got) => call(semaphore, wait, got)),
    serve: () => holders.shift()?.release(),
    instant: true,
    keeps: true,
    seen: () => [semaphore.available, semaphore.waiting],
    waiting: () => semaphore.waiting,
  };
}

/** Settles when the call holds what it waits for, or has failed. */
function served(holders: Releasable[], call: (got: Got) => Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    call((holder) => {
      holders.push(holder);
      resolve();
    }).catch(reject);
  });
}

/** Runs `fn` with a guard, and releases it at the end. */
function holding(mutex: Mutex, fn: (guard: Guard) => Promise<unknown>): Promise<unknown> {
  const guard = mutex.tryLock()!;
  return fn(guard).finally(() => guard.release());
}

function running(
  make: (fn: () => Promise<number>) => (wait?: Wait) => Promise<number>,
): SyncCall {
  const { promise, resolve } = Promise.withResolvers<number>();
  let runs = 0;
  const call = make(() => {
    runs++;
    return promise;
  });
  // Somebody else has started it, and stays.
  void call();
  return {
    call,
    serve: () => resolve(7),
    instant: false,
    keeps: true,
    seen: () => runs,
    waiting: () => undefined,
  };
}
