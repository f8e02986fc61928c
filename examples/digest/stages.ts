import { afterFunc, type CancelContext, type Context } from "@sluice/sluice";

/**
 * Waits until all stages have ended. The first that fails ends the context, and through it the
 * others, and its error is what this rejects with. So none is left running, and none fails unseen.
 */
export async function together(
  ctx: CancelContext,
  stages: readonly Promise<void>[],
): Promise<void> {
  await Promise.all(stages.map((stage) => stage.catch((error) => ctx.cancel(error))));
  ctx.throwIfDone();
}

/**
 * What `work` gives, or the cause of the context if that ends first. For what cannot be cancelled:
 * a read from a slow disk goes on in the background then, but nobody waits for it any more.
 */
export function until<T>(ctx: Context, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = afterFunc(ctx, () => reject(ctx.cause));
    work.then(resolve, reject).finally(stop);
  });
}
