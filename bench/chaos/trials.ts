/**
 * All trials, in the order of the table, and how one is run.
 *
 * @module
 */
import { type Context, DeadlineExceededError, withTimeout } from "../../mod.ts";
import { clusters } from "./cluster.ts";
import { deaths } from "./deaths.ts";
import { inWords } from "./ledger.ts";
import { poison } from "./poison.ts";
import { refusals } from "./refusals.ts";
import { Scene } from "./scene.ts";
import { servers } from "./servers.ts";
import { storage } from "./storage.ts";
import type { Outcome, Row, Trial } from "./trial.ts";

/** What can be asked for. */
export const trials: readonly Trial[] = [
  ...deaths,
  ...poison,
  ...servers,
  ...storage,
  ...refusals,
  ...clusters,
];

/** Runs one, and ends all that it has started. Throws if `ctx` has ended. */
export async function play(trial: Trial, ctx: Context, quick: boolean): Promise<Row> {
  const since = performance.now();
  const outcome = await outcomeOf(trial, ctx, quick);
  if (ctx.cause !== undefined) throw ctx.cause;
  return { ...outcome, trial, seconds: Math.round((performance.now() - since) / 1_000) };
}

async function outcomeOf(trial: Trial, parent: Context, quick: boolean): Promise<Outcome> {
  using ctx = withTimeout(parent, trial.seconds * 1_000);
  try {
    await using scene = new Scene(ctx, quick);
    return await trial.run(scene);
  } catch (error) {
    const late = error instanceof DeadlineExceededError && ctx.cause !== undefined;
    const fault = late ? `it did not end within ${trial.seconds} s` : inWords(error);
    return { saw: "-", faults: [fault] };
  }
}
