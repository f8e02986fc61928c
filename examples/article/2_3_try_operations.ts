/**
 * The calls of section 2.3 of the article that never wait, there named tryEnqueue and tryDequeue: for
 * queues `tryPut` and `tryGet`, for channels `trySend` and `tryReceive`.
 *
 * Look for an `await`: there is none. Each call tells at once whether it has succeeded. `tryGet` and
 * `tryReceive` give the value in an object, so that even undefined can be told from nothing.
 *
 *     deno run examples/article/2_3_try_operations.ts
 *
 * @module
 */
import { Channel, Queue } from "@sluice/sluice";

const queue = new Queue<string>(1);
console.log("tryPut, there is room:", queue.tryPut("a"));
console.log("tryPut, it is full:", queue.tryPut("b"));
console.log("tryGet, an item is there:", queue.tryGet());
console.log("tryGet, it is empty:", queue.tryGet());

const ch = new Channel<number>(1);
console.log("trySend, there is room:", ch.trySend(1));
console.log("trySend, it is full:", ch.trySend(2));
console.log("tryReceive, a value is there:", ch.tryReceive());
console.log("tryReceive, it is empty:", ch.tryReceive());
ch.close();
console.log("tryReceive, it is closed:", ch.tryReceive());

// Without a buffer a value is sent if somebody waits for it.
const meeting = new Channel<number>();
console.log("trySend, nobody waits:", meeting.trySend(1));
const received = meeting.receive();
console.log("trySend, somebody waits:", meeting.trySend(2));
received.then((result) => console.log("he has received:", result));
