/** What we use of Node's AsyncLocalStorage: a value that goes along with an async call. */
export interface AsyncStorage<T extends object> {
  run<A, R>(store: T | undefined, fn: (given: A) => R, given: A): R;
  getStore(): T | undefined;
}

type BuiltinModules = {
  readonly process?: {
    readonly getBuiltinModule?: (name: string) => {
      readonly AsyncLocalStorage?: new <T extends object>() => AsyncStorage<T>;
    } | undefined;
  };
};

/** Deno, Node and Bun have one, browsers do not. Asked for without an import, which those would refuse. */
export function asyncStorage<T extends object>(): AsyncStorage<T> | undefined {
  const { process } = globalThis as BuiltinModules;
  const type = process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
  return type && new type<T>();
}
