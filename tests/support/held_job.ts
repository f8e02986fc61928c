import type { Context } from "../../mod.ts";

/** A job that runs until it is told to end, whatever becomes of its context. */
export class HeldJob<R = void> {
  /** What it was given, each time that it was run. */
  readonly contexts: Context[] = [];
  #end = Promise.withResolvers<R>();

  readonly job = (ctx: Context): Promise<R> => {
    if (this.contexts.push(ctx) > 1) this.#end = Promise.withResolvers<R>();
    return this.#end.promise;
  };

  /** How often it was run. */
  get runs(): number {
    return this.contexts.length;
  }

  /** The context that it was given last. */
  get ctx(): Context {
    return this.contexts.at(-1)!;
  }

  end(value: R): void {
    this.#end.resolve(value);
  }

  fail(error: unknown): void {
    this.#end.reject(error);
  }
}

/** So many of them. */
export function heldJobs(count: number): HeldJob[] {
  return Array.from({ length: count }, () => new HeldJob());
}
