/**
 * The cancellation tree under contexts, signals and timeouts. A scope ends once; whatever hangs on
 * it ends with it.
 *
 * Invariants:
 * - A scope that has ended has no links, neither to its parents nor from those who hang on it.
 * - Ending marks the whole subtree first, then ends its waits, then serves those who stood behind
 *   them, then runs abort listeners. So nobody whose context has ended is served, and whatever code
 *   of the user's runs finds every scope of the subtree ended.
 * - A link is taken off in O(1) by either side.
 *
 * @module
 */
import { CanceledError, type DeadlineExceededError } from "./errors.ts";

/** What a scope can end: a parked operation, or another scope. */
export interface Endable {
  /** The first of its links; the others follow as `sibling`. */
  links: Link | null;
  /**
   * Called once, when none of its links is left. What that means for others has to wait until all
   * that end together have ended, or one of them would be served for another: that is the result.
   */
  end(cause: unknown): Sequel | null;
}

/** What is to be done once all that end together have ended. */
export interface Sequel {
  follow(): void;
}

/** One thing that hangs on one scope: a node of the scope's list. */
export class Link {
  next: Link | null = null;
  prev: Link | null = null;
  /** null: taken off. */
  scope: Scope | null;
  readonly target: Endable;
  readonly sibling: Link | null;

  constructor(scope: Scope, target: Endable) {
    this.scope = scope;
    this.target = target;
    this.sibling = target.links;
    target.links = this;
  }
}

/** Hangs `target` on `scope`. false: that has ended, and so has `target` now. */
export function watch(scope: Scope, target: Endable): boolean {
  if (scope.endless) return true;
  if (scope.check()) {
    target.end(scope.cause)?.follow();
    return false;
  }
  scope.add(new Link(scope, target));
  return true;
}

/** Takes `target` off all the scopes that it hangs on. */
export function release(target: Endable): void {
  let link = target.links;
  target.links = null;
  for (; link !== null; link = link.sibling) link.scope?.remove(link);
}

export class Scope implements Endable {
  links: Link | null = null;
  ended = false;
  cause: unknown = undefined;
  /** Milliseconds since the epoch: the earliest deadline of this scope and its ancestors. */
  deadline: number | undefined = undefined;
  /**
   * The nearest of this scope and its ancestors that may be over before anybody was told: its
   * deadline has passed, its timer has not run yet. null: there is none.
   */
  probe: Scope | null = null;
  #head: Link | null = null;
  #tail: Link | null = null;
  #controller: AbortController | null = null;
  /** Where the end began: that scope's error is everybody's. */
  #origin: Scope = this;
  #err: CanceledError | DeadlineExceededError | undefined = undefined;

  /** Whether it has ended, by now. */
  check(): boolean {
    if (!this.ended && this.probe !== null) this.probe.look();
    return this.ended;
  }

  /** Ends what is over. Those that are their own probe say how. */
  protected look(): void {}

  /**
   * Milliseconds to the earliest deadline of this scope and its ancestors, each by its own clock; so
   * it holds when the wall clock is set, as a difference to `deadline` would not.
   */
  left(): number {
    return this.probe === null || this.probe === this ? Infinity : this.probe.left();
  }

  get err(): CanceledError | DeadlineExceededError | undefined {
    if (!this.ended) return undefined;
    const origin = this.#origin;
    return origin.#err ??= new CanceledError("the context was cancelled", { cause: this.cause });
  }

  get signal(): AbortSignal {
    const ended = this.check();
    if (this.#controller === null) {
      this.#controller = new AbortController();
      signalScopes.set(this.#controller.signal, this);
      if (ended) this.#controller.abort(this.cause);
      else this.busy();
    }
    return this.#controller.signal;
  }

  /** Becomes a child of `parent`, or ends at once if that has. */
  join(parent: Scope): void {
    if (this.probe === null) this.probe = parent.probe;
    if (parent.deadline !== undefined) {
      this.deadline = Math.min(parent.deadline, this.deadline ?? Infinity);
    }
    if (this.ended) return;
    if (parent.check()) {
      this.#origin = parent.#origin;
      this.ended = true;
      this.cause = parent.cause;
      release(this);
    } else {
      watch(parent, this);
    }
  }

  /** It never ends, so nothing needs to hang on it. */
  get endless(): boolean {
    return false;
  }

  add(link: Link): void {
    const tail = this.#tail;
    link.prev = tail;
    if (tail === null) {
      this.#head = link;
      this.busy();
    } else {
      tail.next = link;
    }
    this.#tail = link;
  }

  remove(link: Link): void {
    const { next, prev } = link;
    if (prev === null) this.#head = next;
    else prev.next = next;
    if (next === null) this.#tail = prev;
    else next.prev = prev;
    link.next = link.prev = link.scope = null;
    if (this.#head === null) this.idle();
  }

  /** Something hangs on it now, or foreign code may listen to its signal. */
  protected busy(): void {}

  /** Nothing hangs on it any more. */
  protected idle(): void {}

  /** Without `cause` the cause is the error. Only the first end counts. */
  end(cause?: unknown, err?: CanceledError | DeadlineExceededError): null {
    if (this.ended) return null;
    if (err === undefined && cause === undefined) {
      err = new CanceledError("the context was cancelled");
    }
    this.#err = err;
    if (cause === undefined) cause = err;
    const only = this.#head;
    if (only === null || (only === this.#tail && !(only.target instanceof Scope))) {
      this.endOne(cause, only);
      return null;
    }
    const subtree = this.mark(cause);
    const sequels: Sequel[] = [];
    for (const scope of subtree) scope.settle(sequels);
    for (const sequel of sequels) sequel.follow();
    for (const scope of subtree) scope.#controller?.abort(scope.cause);
    return null;
  }

  /** One call hangs on it, or none, as on most: no lists are needed. */
  private endOne(cause: unknown, only: Link | null): void {
    this.ended = true;
    this.cause = cause;
    release(this);
    let sequel: Sequel | null = null;
    if (only !== null) {
      release(only.target);
      sequel = only.target.end(cause);
    } else {
      this.idle();
    }
    sequel?.follow();
    this.#controller?.abort(cause);
  }

  /** Marks this scope and all below it as ended, parents first, and takes them off each other. */
  private mark(cause: unknown): Scope[] {
    const subtree: Scope[] = [];
    // A stack and no recursion, since trees may be deep.
    const next: Scope[] = [this];
    for (let scope = next.pop(); scope !== undefined; scope = next.pop()) {
      if (scope.ended) continue;
      scope.ended = true;
      scope.cause = cause;
      scope.#origin = this;
      subtree.push(scope);
      for (let link = scope.#tail; link !== null; link = link.prev) {
        if (link.target instanceof Scope) next.push(link.target);
      }
    }
    for (const scope of subtree) release(scope);
    return subtree;
  }

  private settle(sequels: Sequel[]): void {
    for (let link = this.#head; link !== null; link = this.#head) {
      release(link.target);
      const sequel = link.target.end(this.cause);
      // Those who wait in one list, one after the other, have one sequel.
      if (sequel !== null && sequel !== sequels.at(-1)) sequels.push(sequel);
    }
    this.idle();
  }
}

/** The scope of `background()`: nothing ends it. */
export class EndlessScope extends Scope {
  override get endless(): boolean {
    return true;
  }

  override end(): null {
    return null;
  }
}

/** Ends when any of its parents does. */
export class AnyScope extends Scope {
  /** Those of its parents; each once, since several may share one. */
  readonly #probes: ReadonlySet<Scope>;

  constructor(parents: readonly Scope[]) {
    super();
    this.#probes = new Set(parents.flatMap(({ probe }) => probe ?? []));
    if (this.#probes.size > 0) this.probe = this;
    for (const parent of parents) this.join(parent);
  }

  protected override look(): void {
    for (const probe of this.#probes) probe.check();
  }

  override left(): number {
    return Math.min(...Array.from(this.#probes, (probe) => probe.left()));
  }
}

/** The scope of each signal; of one that a scope made, that scope, so that nobody listens to it. */
export const signalScopes = new WeakMap<AbortSignal, Scope>();
