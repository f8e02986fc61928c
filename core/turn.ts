/**
 * The turn guard: a busy pair of tasks cannot starve timers and I/O.
 *
 * Promise reactions run before the event loop goes on. Two tasks that keep completing each other's
 * calls never let it: a 1 ms timer beside them would wait for their whole run. So calls are counted,
 * and now and then a task of the event loop is asked to tell when it has made a turn. If it has not
 * for `TURN_MS`, what completes is held back until it has, and then settles in its order. Only the
 * settling of the promise is late; what the call did has happened.
 *
 * @module
 */

/**
 * How long completions may follow one another without a turn of the event loop, in milliseconds,
 * counted from when one was asked for; that is done as often. So a busy pair gets a turn every 8 ms,
 * and a timer is late by one or two of them. With 2 here a turn every 4 ms takes 5 % of W2.
 */
export const TURN_MS = 4;

/**
 * How many calls pass between two looks at the clock, at most. A look costs about 100 ns, which
 * makes 1 ns for each call; 128 calls of a busy pair take some 40 µs. Where the tasks do
 * more between them, and looks come more than `LOOK_MS` apart, there are fewer.
 */
export const LOOK_EVERY = 128;

/** How far apart looks may come before they are made more often, in milliseconds. */
const LOOK_MS = 1;

/** Calls from one look to the next, and those that are left. Each turn starts with a look. */
let stride = 1;
let left = 1;
let looked = -Infinity;
/** When the event loop last told of a turn. */
let turned = -Infinity;
/** Since when it has been asked to. */
let asked: number | undefined;
/** True: settle what completes through `hold`. */
export let holding = false;
const held: { readonly settle: (value: never) => void; readonly value: unknown }[] = [];

/** Counts a call, where it begins: in the middle of one the look would cost 15 ns more. */
export function countCall(): void {
  if (--left < 0) look();
}

/** Settles a promise after the next turn of the event loop. */
export function hold<R>(settle: (value: R) => void, value: R): void {
  held.push({ settle, value });
}

function inNextTurn<R>(value: R): Promise<R> {
  return new Promise<R>((resolve) => hold(resolve as (value: R) => void, value));
}

const fulfilledVoid: Promise<void> = Promise.resolve();

/** A promise for what has been done already; held back when the turn of the event loop is over. */
export function done(): Promise<void> {
  return holding ? inNextTurn(undefined) : fulfilledVoid;
}

/** A promise for what has failed already; held back as well. */
export function refused(error: unknown): Promise<never> {
  if (!holding) return Promise.reject(error);
  return new Promise((_, reject) => hold(reject, error));
}

// A small async function makes a fulfilled promise faster than Promise.resolve does: 20 to 38 ns.
// deno-lint-ignore require-await
const fulfilled = async <R>(value: R): Promise<R> => value;

/** A promise for what is there already; held back when the turn of the event loop is over. */
export function ready<R>(value: R): Promise<R> {
  return holding ? inNextTurn(value) : fulfilled(value);
}

function look(): void {
  left = 0;
  if (holding) return;
  const now = performance.now();
  const took = now - looked;
  stride = took > LOOK_MS
    ? Math.max(1, Math.floor(stride * LOOK_MS / took))
    : Math.min(LOOK_EVERY, stride * 2);
  looked = now;
  if (asked === undefined) {
    if (Math.abs(now - turned) >= TURN_MS) ask(now);
  } else if (now - asked >= TURN_MS) {
    holding = true;
    return;
  } else if (now < asked) {
    // The clock was set back, as the fake clocks of tests do.
    asked = now;
  }
  left = stride;
}

function ask(now: number): void {
  asked = now;
  afterTurn(() => {
    asked = undefined;
    holding = false;
    turned = performance.now();
    stride = left = 1;
    for (const { settle, value } of held.splice(0)) settle(value as never);
  });
}

/** Runs `fn` once timers and I/O that are due have had their turn. */
export function afterTurn(fn: () => void): void {
  // Not on the web, but in Deno, Node and Bun, and the fastest there.
  const { setImmediate } = globalThis as { setImmediate?: (fn: () => void) => unknown };
  if (setImmediate !== undefined) {
    setImmediate(fn);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    port2.close();
    fn();
  };
  port2.postMessage(undefined);
}
