/**
 * The timeout of section 4.2 of the article: an operation is given a context that ends after 100 ms.
 *
 * Look at the two ways in which an operation heeds it. A loop looks at `ctx.done` between two steps,
 * and cleans up before it returns. A wait takes the context as its last argument, and rejects when that
 * ends; the error is the context's cause. Neither is stopped by force: what does not look, goes on.
 *
 *     deno run examples/article/4_2_timeout.ts
 *
 * @module
 */
import { background, type Context, sleep, withTimeout } from "@sluice/sluice";

async function slowLoop(ctx: Context): Promise<void> {
  try {
    for (let step = 1; step <= 1_000; step++) {
      if (ctx.done) {
        console.log("the loop sees that the context has ended");
        return;
      }
      await sleep(10); // one step of its work
    }
    console.log("the loop is through"); // after ten seconds
  } finally {
    console.log("the loop has cleaned up");
  }
}

async function slowOperation(ctx: Context): Promise<string> {
  await sleep(10_000, ctx);
  return "ready after ten seconds";
}

async function fastOperation(ctx: Context): Promise<string> {
  await sleep(1, ctx);
  return "ready in time";
}

{
  using ctx = withTimeout(background(), 100); // context.WithTimeout, and defer cancel()
  await slowLoop(ctx);
}
{
  using ctx = withTimeout(background(), 100);
  const result = await slowOperation(ctx).catch((error) => {
    return `${error.name}, the cause of the context: ${error === ctx.cause}`;
  });
  console.log(`slow: ${result}`);
}
{
  using ctx = withTimeout(background(), 10_000); // leaving the scope stops its timer
  console.log(`fast: ${await fastOperation(ctx)}`);
}
