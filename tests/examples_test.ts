/**
 * The examples of `docs/examples.md`, as a newcomer meets them: each runs as a program of its own,
 * without permissions, and all that it prints is compared.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { results } from "@sluice/sluice/tasks";

// The Deno that runs this, where it may be run by its path.
const path = Deno.execPath();
const { state } = await Deno.permissions.query({ name: "run", command: path });
const deno = state === "granted" ? path : "deno";

const repository = `${import.meta.dirname}/..`;
const folder = "examples/article";

/** What each file prints. */
const expected: Readonly<Record<string, string>> = {
  "1_producer_consumer.ts": `produced: task 0
consumed: task 0
produced: task 1
consumed: task 1
produced: task 2
consumed: task 2
produced: task 3
consumed: task 3
produced: task 4
consumed: task 4
`,
  "1_without_sentinel.ts": `produced: task 0
consumed: task 0
produced: task 1
consumed: task 1
produced: task 2
consumed: task 2
produced: task 3
consumed: task 3
produced: task 4
consumed: task 4
`,
  "2_1_decoupling.ts": `Producing item 0
Consuming item-0
Producing item 1
Consuming item-1
Producing item 2
Consuming item-2
unfinished: 0
`,
  "2_2_queue_types.ts": `Queue: 1
LifoQueue: 2
PriorityQueue: 1
PriorityQueue by urgency: urgent
`,
  "2_3_closed_channel.ts": `nothing was sent: the receiver waits
the program goes on
received: HELLO
channel closed
received: ONE
received: TWO
channel closed
`,
  "2_3_try_operations.ts": `tryPut, there is room: true
tryPut, it is full: false
tryGet, an item is there: { value: "a" }
tryGet, it is empty: undefined
trySend, there is room: true
trySend, it is full: false
tryReceive, a value is there: { ok: true, value: 1 }
tryReceive, it is empty: undefined
tryReceive, it is closed: { ok: false, value: undefined }
trySend, nobody waits: false
trySend, somebody waits: true
he has received: { ok: true, value: 2 }
`,
  "2_4_critical_section.ts": `task 1 enters
meanwhile: locked true, waiting 2, the event loop is free
task 1: atomic operation
task 2 enters
task 2: atomic operation
task 3 enters
task 3: atomic operation
locked: false
`,
  "2_5_first_model.ts": `as written:
produced: 0
consumed: 0
produced: 1
consumed: 1
produced: 2
consumed: 2
produced: 3
consumed: 3
produced: 4
consumed: 4
the producer has ended
unfinished: 0, and gather still waits
gather has failed: ended from outside
in a form that ends:
produced: 0
consumed: 0
produced: 1
consumed: 1
produced: 2
consumed: 2
produced: 3
consumed: 3
produced: 4
consumed: 4
gather has come back
joined
`,
  "3_1_load_balancing.ts": `round robin:
  a worker ran 4, and stole 0
  a worker ran 4, and stole 0
  the longest wait: 110 ms
work stealing:
  a worker ran 1, and stole 0
  a worker ran 7, and stole 3
  the longest wait: 0 ms
central:
  a worker ran 1, and stole 0
  a worker ran 7, and stole 0
  the longest wait: 0 ms
`,
  "3_1_worker.ts": `worker 1 takes a job
job 0 runs
worker 2 takes a job
job 1 runs
worker 1 takes a job
job 2 runs
worker 2 takes a job
job 3 runs
worker 1 has ended
worker 2 has ended
`,
  "3_2_collect_results.ts": `by counting:
task 1 done
task 2 done
task 3 done
by a WaitGroup:
task 1 done
task 2 done
task 3 done
`,
  "3_2_errors_as_values.ts": `by a channel:
task 1 done
task 2 failed: the disk is full
task 3 done
by collect:
task 1 done
failed: the disk is full
task 3 done
`,
  "3_2_select_timeout.ts": `task 1 done
timed out
in the channel: 1
task 2 done
`,
  "3_3_priority_queue.ts": `new task 1: background statistics, priority 1
new task 2: log report, priority 5
new task 3: emergency alarm, priority 10
in the queue: 3
out by priority: 10
task 3 runs: emergency alarm
task 3 done, unfinished: 2
out by priority: 5
task 2 runs: log report
task 2 done, unfinished: 1
out by priority: 1
task 1 runs: background statistics
task 1 done, unfinished: 0
`,
  "3_3_priority_scheduler.ts": `new task: background statistics, priority 1
new task: log report, priority 5
new task: emergency alarm, priority 10
new task: restart, priority 1
waiting: 4
runs: restart
runs: emergency alarm
runs: log report
runs: background statistics
done: 4
`,
  "4_1_adaptive_buffer.ts": `1 ms an item: capacity 72, items stand for 102 ms
10 ms an item: capacity 13, items stand for 70 ms
1 ms an item: capacity 94, items stand for 74 ms
`,
  "4_1_backpressure.ts": `task 1 accepted
task 2 accepted
task 3 accepted
task 4 dropped: queue full, backpressure applied
task 5 has to wait: queue full, backpressure applied
task 5 accepted
task 6 dropped: queue full, backpressure applied
task 7 has to wait: queue full, backpressure applied
task 7 accepted
task 8 dropped: queue full, backpressure applied
done: 1, 2, 3, 5, 7
`,
  "4_1_water_marks.ts": `normal > warning, 5 wait
warning > overload, 8 wait
task 9: degraded, an answer from the cache
task 10: degraded, an answer from the cache
overload > warning, 5 wait
warning > normal, 2 wait
the producer goes on
done: 1, 2, 3, 4, 5, 6, 7, 8, 11, 12
`,
  "4_2_timeout.ts": `the loop sees that the context has ended
the loop has cleaned up
slow: TimeoutError, the cause of the context: true
fast: ready in time
`,
  "4_3_task_registry.ts": `with a Map:
running: good, bad
failed: no such table
left: 0
with a TaskRegistry:
running: good, bad, endless
failed: not needed any more
failed: no such table
left: 0
running: import
failed: no such table
left: 0
`,
  "4_4_batch_consumer.ts": `oneByOne: 200 processed, taken in 200 goes
inBatches: 200 processed, taken in 4 goes
`,
  "5_canary_release.ts": `v1: 180 requests, 90 %
v2: 20 requests, 10 %
`,
  "tables.ts": `method                | need not wait     | has to wait
put(item)             | room: at once     | full: waits, then goes on
get()                 | an item: at once  | empty: waits, then goes on
taskDone(), by join() | all done: at once | one is not: waits, then goes on

type          | 3 1 2 leave as | safe | a walk
Queue         | 3 1 2          | yes  | a e b f c g d
LifoQueue     | 2 1 3          | yes  | a b d g e c f
PriorityQueue | 1 2 3          | yes  | a b d e c f g
`,
};

Deno.test("each example runs without permissions, and prints what its original does", async (t) => {
  const runs = Object.entries(expected).map(([file, stdout]) => async () => ({
    file,
    wanted: { code: 0, stdout, stderr: "" },
    got: await run(file),
  }));
  for await (const { file, wanted, got } of results(runs, { limit: 4, order: "submission" })) {
    await t.step(file, () => assertEquals(got, wanted));
  }
});

Deno.test("the table of docs/examples.md, the folder, and this test have the same files", () => {
  const files = Array.from(Deno.readDirSync(`${repository}/${folder}`), ({ name }) => name).sort();
  const page = Deno.readTextFileSync(`${repository}/docs/examples.md`);
  const rows = page.split("\n").filter((line) => line.startsWith("| ")).slice(2);
  const linked = rows.map((row) => {
    const [, label, target] = row.match(/\[([^\]]+)\]\(\.\.\/examples\/article\/([^)]+)\)/) ?? [];
    assertEquals(label, target, row);
    return target;
  });
  assertEquals(linked.sort(), files);
  assertEquals(Object.keys(expected).sort(), files);
});

Deno.test("each example begins with a comment that says how to run it", () => {
  for (const file of Object.keys(expected)) {
    const source = Deno.readTextFileSync(`${repository}/${folder}/${file}`);
    const [comment = ""] = source.match(/^\/\*\*\n.*? \*\/\n/s) ?? [];
    assertEquals(comment.match(/^ \* {5}(.+)$/m)?.[1], `deno run ${folder}/${file}`);
  }
});

async function run(file: string) {
  const { code, stdout, stderr } = await new Deno.Command(deno, {
    args: [
      ...["run", "--quiet", "--no-prompt", "--config", `${repository}/deno.json`],
      `${repository}/${folder}/${file}`,
    ],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
