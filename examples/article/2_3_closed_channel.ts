/**
 * The receive of section 2.3 of the article, Go's `item, ok := <-ch`: it waits while the channel is
 * empty, and `ok` is false when the channel is closed.
 *
 * Look at the lines in the middle: while the receiver waits, the rest of the program goes on. And at
 * the type: `item` is a string where `ok` is known to be true, and undefined where it is false.
 *
 *     deno run examples/article/2_3_closed_channel.ts
 *
 * @module
 */
import { Channel, type Receiver, sleep } from "@sluice/sluice";

async function receiveAll(ch: Receiver<string>): Promise<void> {
  for (;;) {
    const { value: item, ok } = await ch.receive();
    if (!ok) {
      console.log("channel closed");
      return;
    }
    console.log(`received: ${item.toUpperCase()}`);
  }
}

const ch = new Channel<string>();
const receiving = receiveAll(ch);

console.log("nothing was sent: the receiver waits");
await sleep(50);
console.log("the program goes on");

await ch.send("hello");
ch.close();
await receiving;

// What is in the buffer of a closed channel is received first.
const buffered = new Channel<string>(2);
await buffered.send("one");
await buffered.send("two");
buffered.close();
await receiveAll(buffered);
