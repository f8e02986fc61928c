/** A foreign AbortSignal that counts the listeners which are on it. */
export interface SpiedController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  /** How many there are now. */
  readonly listeners: number;
  /** How many there have been at most, at a time. */
  readonly most: number;
  /** How often one was added. */
  readonly added: number;
}

export function spiedController(): SpiedController {
  const controller = new AbortController();
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  const listeners = new Set<unknown>();
  let most = 0;
  let added = 0;
  signal.addEventListener = (...args: Parameters<typeof add>): void => {
    added++;
    listeners.add(args[1]);
    most = Math.max(most, listeners.size);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
    listeners.delete(args[1]);
    remove(...args);
  };
  return {
    signal,
    abort: (reason) => controller.abort(reason),
    get listeners() {
      return listeners.size;
    },
    get most() {
      return most;
    },
    get added() {
      return added;
    },
  };
}
