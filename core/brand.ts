/** Names a class, and lets `instanceof` recognise the instances that another copy has made. */
export function brand(
  type: new (...args: never[]) => object,
  name: string,
  brandName: string = name,
): void {
  const mark = Symbol.for(`sluice.error.${brandName}`);
  const ordinary = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true });
  Object.defineProperty(type.prototype, mark, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A class that somebody derives from ours inherits this method; it has no brand of its own.
      if (this !== type) return ordinary.call(this as never, value);
      return typeof value === "object" && value !== null && mark in value;
    },
  });
}
