/**
 * The queue of section 4.1 of the article that refuses what it has no room for, and a producer that
 * heeds it.
 *
 * Look at the refused tasks. `submit` never waits: it gives the error back, as the Go original does,
 * and the producer decides. It drops what may be lost, and waits for room for what may not: then it
 * goes no faster than the consumer. That wait is an ordinary `send`.
 *
 *     deno run examples/article/4_1_backpressure.ts
 *
 * @module
 */
import { Channel, sleep } from "@sluice/sluice";

interface Task {
  readonly id: number;
  readonly mayBeLost: boolean;
}

class BackpressureQueue {
  readonly items: Channel<Task>;

  constructor(size: number) {
    this.items = new Channel(size);
  }

  submit(task: Task): Error | undefined {
    // select { case q.items <- task: return nil; default: return errors.New(…) }
    return this.items.trySend(task) ? undefined : new Error("queue full, backpressure applied");
  }
}

async function producer(queue: BackpressureQueue): Promise<void> {
  using items = queue.items; // closes it in the end
  for (let id = 1; id <= 8; id++) {
    const task = { id, mayBeLost: id % 2 === 0 };
    const error = queue.submit(task);
    if (error === undefined) {
      console.log(`task ${id} accepted`);
    } else if (task.mayBeLost) {
      console.log(`task ${id} dropped: ${error.message}`);
    } else {
      console.log(`task ${id} has to wait: ${error.message}`);
      await items.send(task);
      console.log(`task ${id} accepted`);
    }
  }
}

async function consumer(queue: BackpressureQueue): Promise<number[]> {
  const done: number[] = [];
  for await (const task of queue.items) {
    await sleep(20);
    done.push(task.id);
  }
  return done;
}

const queue = new BackpressureQueue(2);
const consuming = consumer(queue);
await producer(queue);
console.log(`done: ${(await consuming).join(", ")}`);
