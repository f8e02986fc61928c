import { DeadlineExceededError } from "./errors.ts";
import { Scope } from "./scope.ts";
import { Timeout } from "./timeout.ts";

/** A point in time, on the clock that it was given by. */
export interface Due {
  /** Milliseconds from now; 0 or less: it has passed. */
  left(): number;
  /** Whether a timer that was set for it may run before it has come. */
  readonly movable: boolean;
}

/** By the monotonic clock, so that setting the system's clock does not move it. */
export class DueIn implements Due {
  readonly movable = false;
  readonly #at: number;

  constructor(ms: number) {
    this.#at = performance.now() + ms;
  }

  left(): number {
    return this.#at - performance.now();
  }
}

/** By the wall clock, in milliseconds since the epoch. */
export class DueAt implements Due {
  readonly movable = true;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  left(): number {
    return this.#at - Date.now();
  }
}

/**
 * Ends at a deadline. Its timer starts when something hangs on it, or it hangs on a parent; before
 * that, looking at the clock when asked does. So a context that is used without waiting, under
 * `background()`, costs no timer.
 */
export class DeadlineScope extends Scope {
  override probe: Scope | null = this;
  readonly #due: Due;
  readonly #cause: unknown;
  #timer: Timeout | undefined;
  #parentProbe: Scope | null = null;

  /** `cause` undefined: the error itself. */
  constructor(due: Due, at: number, cause: unknown) {
    super();
    this.#due = due;
    this.#cause = cause;
    this.deadline = at;
  }

  override join(parent: Scope): void {
    this.#parentProbe = parent.probe;
    super.join(parent);
    // Its parent holds it: without a timer it would be held longer than to its deadline.
    if (this.links !== null) this.busy();
  }

  protected override look(): void {
    if (this.#due.left() <= 0) this.#expire();
    else this.#parentProbe?.check();
  }

  override left(): number {
    return Math.min(this.#due.left(), this.#parentProbe?.left() ?? Infinity);
  }

  protected override busy(): void {
    if (this.#timer === undefined && !this.ended) this.#arm();
  }

  protected override idle(): void {
    if (this.ended) this.#timer?.stop();
  }

  #arm(): void {
    this.#timer = new Timeout(this.#due.left(), () => {
      // The wall clock may have been set back.
      if (this.#due.movable && this.#due.left() > 0) this.#arm();
      else this.#expire();
    });
  }

  #expire(): void {
    this.end(this.#cause, new DeadlineExceededError("the context's deadline has passed"));
  }
}

/** The `timeout` of one waiting call: runs while the call is parked. */
export class TimeoutScope extends Scope {
  readonly #ms: number;
  #timer: Timeout | undefined;

  constructor(ms: number) {
    super();
    this.#ms = ms;
  }

  protected override busy(): void {
    this.#timer = new Timeout(this.#ms, () => {
      this.end(undefined, new DeadlineExceededError(`timed out after ${this.#ms} ms`));
    });
  }

  protected override idle(): void {
    this.#timer?.stop();
  }
}
