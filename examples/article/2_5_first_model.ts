/**
 * The model of section 2.5 of the article, a producer and a consumer in one `gather`, as it is written
 * there, and in a form that ends.
 *
 * As written it hangs: the consumer ends when it gets None, and nobody puts that. So `gather` does not
 * come back, and the `join` below it is never called. Here the consumer waits with a context, by which
 * somebody ends it from outside. In the second form the producer shuts the queue down.
 *
 * `collect` is asyncio's `gather`. Each job is given a context that ends when another one fails. The
 * original prints after `put`, which in Python does not pause where there is room; `await` always
 * does, and the consumer would often be first to print.
 *
 *     deno run examples/article/2_5_first_model.ts
 *
 * @module
 */
import { background, type Context, Queue, sleep, withCancel } from "@sluice/sluice";
import { collect } from "@sluice/sluice/tasks";

async function producer(queue: Pick<Queue<number>, "put">, ctx: Context): Promise<void> {
  for (let i = 0; i < 5; i++) {
    console.log(`produced: ${i}`);
    await queue.put(i, ctx);
    await sleep(20, ctx); // 0.1 s in the original
  }
}

async function consumer(queue: Queue<number | null>, ctx: Context): Promise<void> {
  for (;;) {
    const item = await queue.get(ctx);
    if (item === null) break;
    console.log(`consumed: ${item}`);
    queue.taskDone();
  }
}

async function asWritten(): Promise<void> {
  const queue = new Queue<number | null>();
  using ctx = withCancel(background());
  const endFromOutside = async (): Promise<void> => {
    console.log("the producer has ended");
    await sleep(100);
    console.log(`unfinished: ${queue.unfinished}, and gather still waits`);
    ctx.cancel(new Error("ended from outside"));
  };
  await collect([
    (ctx) => producer(queue, ctx).then(() => void endFromOutside()),
    (ctx) => consumer(queue, ctx),
  ], ctx);
  console.log("gather has come back"); // it does not
  await queue.join();
  console.log("joined");
}

async function thatEnds(): Promise<void> {
  const queue = new Queue<number>();
  await collect<void>([
    async (ctx) => {
      using _ = queue; // shuts it down in the end
      await producer(queue, ctx);
    },
    async () => {
      for await (const item of queue) {
        console.log(`consumed: ${item}`);
        queue.taskDone();
      }
    },
  ]);
  console.log("gather has come back");
  await queue.join();
  console.log("joined");
}

console.log("as written:");
await asWritten().catch((error) => console.log(`gather has failed: ${error.message}`));

console.log("in a form that ends:");
await thatEnds();
