import type { CoreSource } from "../../core/ports.ts";
import { type Source, sourcePort } from "../../mod.ts";

/** How many calls stand in line at a queue or channel, on either side. */
export function lines(of: Source<unknown>): { readonly takers: number; readonly putters: number } {
  const { core } = of[sourcePort] as CoreSource;
  return { takers: core.takers.length, putters: core.putters.length };
}
