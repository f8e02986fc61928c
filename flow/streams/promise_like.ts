/** Whether it has to be waited for. */
export function isPromiseLike<V>(value: V | PromiseLike<V>): value is PromiseLike<V> {
  const kind = typeof value;
  return (kind === "object" || kind === "function") && value !== null &&
    typeof (value as Partial<PromiseLike<V>>).then === "function";
}
