/**
 * The turn guard: a busy pair of tasks cannot starve timers and I/O.
 *
 * Promise reactions run before the event loop goes on. Two tasks that keep completing each other's
 * calls never let it: a 1 ms timer beside them would wait for their whole run. So completions are
 * counted. When a stretch of them has lasted `TURN_MS`, the further ones are held back until the
 * event loop has made a turn, and then settle in their order. Only the settling of the promise is
 * late; what the call did has happened.
 *
 * @module
 */

/**
 * How long completions may follow one another without a turn of the event loop, in milliseconds.
 * The turn itself costs some microseconds, so that 5 ms keep its cost far below 1 %, and bound the
 * lateness of a timer to about as much.
 */
export const TURN_MS = 5;

/**
 * How many completions pass between two looks at the clock. A look costs about 100 ns, which makes
 * 1 ns for each completion; 128 completions of a busy pair take some 40 µs.
 */
export const LOOK_EVERY = 128;

let left = LOOK_EVERY;
let started = 0;
let holding = false;
const held: { readonly settle: (value: never) => void; readonly value: unknown }[] = [];

/** Counts a completion. True: settle it through `hold`. */
export function turnIsOver(): boolean {
  return --left < 0 && look();
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
  return turnIsOver() ? inNextTurn(undefined) : fulfilledVoid;
}

/** A promise for what has failed already; held back as well. */
export function refused(error: unknown): Promise<never> {
  if (!turnIsOver()) return Promise.reject(error);
  return new Promise((_, reject) => hold(reject, error));
}

// A small async function makes a fulfilled promise faster than Promise.resolve does: 20 to 38 ns.
// deno-lint-ignore require-await
const fulfilled = async <R>(value: R): Promise<R> => value;

/** A promise for what is there already; held back when the turn of the event loop is over. */
export function ready<R>(value: R): Promise<R> {
  return turnIsOver() ? inNextTurn(value) : fulfilled(value);
}

function look(): boolean {
  left = 0;
  if (holding) return true;
  const lasted = performance.now() - started;
  // Negative: the clock was set back, as the fake clocks of tests do.
  if (lasted >= 0 && lasted < TURN_MS) {
    left = LOOK_EVERY;
    return false;
  }
  holding = true;
  afterTurn(resume);
  return true;
}

function resume(): void {
  holding = false;
  left = LOOK_EVERY;
  started = performance.now();
  for (const { settle, value } of held.splice(0)) settle(value as never);
}

/** Runs `fn` once timers and I/O that are due have had their turn. */
function afterTurn(fn: () => void): void {
  // Not on the web, but in Deno, Node and Bun, and the fastest there.
  const { setImmediate } = globalThis as { setImmediate?: (fn: () => void) => unknown };
  if (setImmediate !== undefined) {
    setImmediate(fn);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    fn();
  };
  port2.postMessage(undefined);
}
