import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { settled } from "./settle.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** What the engine itself holds for a while, such as code that it compiles meanwhile, it has let go by then. */
const ROUNDS = 10;

/** How many of these are still held by somebody, though garbage was collected again and again. */
export async function held(refs: readonly WeakRef<object>[]): Promise<number> {
  let left = refs.length;
  for (let round = 0; round < ROUNDS && left > 0; round++) {
    // A WeakRef keeps its target until the turn in which it was made or read is over.
    await settled();
    gc();
    left = refs.filter((ref) => ref.deref() !== undefined).length;
  }
  return left;
}

/** Collects garbage, then says how many bytes are in use. */
export async function heapUsed(): Promise<number> {
  await settled();
  gc();
  return memoryUsage().heapUsed;
}
