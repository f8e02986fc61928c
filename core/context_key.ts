/**
 * The key of a value that contexts carry. Keys are told apart by identity: two of the same name are
 * two keys.
 *
 * @typeParam T What is stored under it.
 *
 * @example
 * ```ts
 * import { background, ContextKey, withValue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const user = new ContextKey<string>("user");
 * assertEquals(withValue(background(), user, "ada").value(user), "ada");
 * ```
 */
export class ContextKey<in out T> {
  /** Named in errors and when it is printed. */
  readonly name: string;
  declare private readonly _type: T;

  /** `name` is for people to read. */
  constructor(name: string) {
    this.name = name;
  }
}
