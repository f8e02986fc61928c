/**
 * The two tables of the article, of the methods of a queue (chapter 1) and of the types of queues
 * (section 2.2), as they are here. Only the headings are typed in: each cell is what a run has shown.
 *
 * Look at the last column, which stands for what each type is for. The same walk over the same tree
 * goes level by level with a Queue, as tasks in a line do; into the depth first with a LifoQueue; and
 * with a PriorityQueue always to the smallest that is known, which stands for the most urgent.
 *
 *     deno run examples/article/tables.ts
 *
 * @module
 */
import { LifoQueue, PriorityQueue, Queue, sleep } from "@sluice/sluice";

/** Whether a call is still waiting when all that can happen has happened. */
async function waits(call: Promise<unknown>): Promise<boolean> {
  let waiting = true;
  void call.then(() => waiting = false);
  await sleep(0);
  return waiting;
}

/** What a call does, and what it does after `next`. */
async function observe(call: Promise<unknown>, next: () => unknown): Promise<string> {
  if (!await waits(call)) return "at once";
  await next();
  return await waits(call) ? "waits" : "waits, then goes on";
}

async function methods(): Promise<string[][]> {
  const puts = new Queue<number>(1);
  const room = await observe(puts.put(1), () => {});
  const full = await observe(puts.put(2), () => puts.get());

  const gets = new Queue<number>();
  await gets.put(1);
  const item = await observe(gets.get(), () => {});
  const empty = await observe(gets.get(), () => gets.put(2));

  const queue = new Queue<number>();
  const idle = await observe(queue.join(), () => {});
  await queue.put(1);
  const busy = await observe(queue.join(), () => queue.taskDone());

  return [
    ["put(item)", `room: ${room}`, `full: ${full}`],
    ["get()", `an item: ${item}`, `empty: ${empty}`],
    ["taskDone(), by join()", `all done: ${idle}`, `one is not: ${busy}`],
  ];
}

const types = [Queue, LifoQueue, PriorityQueue];

function order(queue: Queue<number>): string {
  for (const n of [3, 1, 2]) queue.putNowait(n);
  return [queue.getNowait(), queue.getNowait(), queue.getNowait()].join(" ");
}

/** Whether each item reaches one of several consumers, and no other. */
async function isSafe(queue: Queue<number>): Promise<boolean> {
  const seen: number[] = [];
  const consumers = [1, 2, 3].map(async () => {
    for await (const n of queue) seen.push(n);
  });
  for (let n = 0; n < 100; n++) await queue.put(n);
  queue.shutdown();
  await Promise.all(consumers);
  return seen.length === 100 && new Set(seen).size === 100;
}

const children = new Map([["a", ["e", "b"]], ["e", ["f", "c"]], ["b", ["g", "d"]]]);

function walk(queue: Queue<string>): string {
  const visited: string[] = [];
  queue.putNowait("a");
  while (!queue.empty) {
    const node = queue.getNowait();
    visited.push(node);
    for (const child of children.get(node) ?? []) queue.putNowait(child);
  }
  return visited.join(" ");
}

function print(rows: readonly string[][]): void {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  for (const row of rows) {
    console.log(row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ").trimEnd());
  }
}

print([["method", "need not wait", "has to wait"], ...await methods()]);
console.log();
print([
  ["type", "3 1 2 leave as", "safe", "a walk"],
  ...await Promise.all(types.map(async (Type) => [
    Type.name,
    order(new Type()),
    await isSafe(new Type()) ? "yes" : "no",
    walk(new Type()),
  ])),
]);
