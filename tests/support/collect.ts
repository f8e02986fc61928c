import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { settled } from "./settle.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects garbage, then says how many of these are still held by somebody. */
export async function held(refs: readonly WeakRef<object>[]): Promise<number> {
  // A WeakRef keeps its target until the turn in which it was made or read is over.
  for (let round = 0; round < 3; round++) {
    await settled();
    gc();
  }
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
