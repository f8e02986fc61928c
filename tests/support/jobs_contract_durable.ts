/**
 * The contract of job queues: what outlives the handle that stored it, and what handles of one queue have
 * to agree on.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Codec, JobQueueError, type JobQueueOptions } from "../../jobs/mod.ts";
import { comeBack, drained, type JobEngineUnderTest, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

const durable = ({ kind }: JobEngineUnderTest): boolean => kind !== "memory";

export function durableLaws(law: Law): void {
  law("153, 165: what is stored is there when the queue is opened again", async (world) => {
    const options = { levels: 2, capacity: 5, maxAttempts: 3 };
    const first = await world.open<string>(options);
    await first.put("b", { dedupeId: "b", priority: 1 });
    await first.put("dead", { dedupeId: "dead" });
    await (await first.get()).reject("no");
    await first.put("a", { dedupeId: "a" });
    await first.put("later", { delay: 2 * world.lease });
    await (await first.get()).retry({ delay: 0 });
    await first.close();

    const second = await world.open<string>(options);
    const figures = { ready: 2, leased: 0, unfinished: 3, dead: 1, capacity: 5 };
    await statsAre(world, second, comeBack(world, 1, figures));
    const a = await world.comes(second.get());
    assertEquals([a.value, a.id, a.attempt], ["a", "a", 2]);
    const b = await world.comes(second.get());
    assertEquals([b.value, b.id, b.attempt, b.priority], ["b", "b", 1, 1]);
    await world.pass(2 * world.lease);
    assertEquals((await world.comes(second.get())).value, "later");
    const letter = await second.dead.get("dead");
    assertEquals([letter?.value, letter?.reason, letter?.attempts], ["dead", "no", 1]);
    assertEquals(await second.dead.putBack("dead"), true);
  }, durable);

  law("165: a put that waits when its handle is closed stores nothing", async (world) => {
    const queue = await world.open<string>({ capacity: 1 });
    const other = await world.open<string>({ capacity: 1 });
    await queue.put("a");
    const puts = [queue.put("b"), queue.put("c", { dedupeId: "c" })];
    const outcomes = puts.map((put) => put.then(() => true, () => false));
    await world.waits(Promise.race(puts));
    await queue.close();
    assertEquals(await Promise.all(outcomes), [false, false]);
    assertEquals(await drained(other), ["a"]);
    await statsAre(world, other, { unfinished: 0 });
    assertEquals((await other.put("c", { dedupeId: "c" })).duplicate, false);
  }, durable);

  law("155: a duplicate is one also after the queue was opened again", async (world) => {
    const first = await world.open<string>();
    await first.put("a", { dedupeId: "a" });
    await (await first.get()).done();
    await first.close();
    const second = await world.open<string>();
    assertEquals((await second.put("a", { dedupeId: "a" })).duplicate, true);
    assertEquals(await drained(second), []);
  }, durable);

  law(
    "165: a lease that was given back at close is there for the next who opens the queue",
    async (world) => {
      const first = await world.open<string>();
      await first.put("a");
      await first.get();
      await first.close();
      const second = await world.open<string>();
      const job = await world.comes(second.get());
      assertEquals([job.value, job.attempt], ["a", 2]);
    },
    durable,
  );

  law("173: who opens a queue with other options is told what differs", async (world) => {
    const options: JobQueueOptions<string> = {
      capacity: 5,
      leaseTime: 2_000,
      maxAttempts: 3,
      levels: 2,
      groups: ["one", "two"],
      dedupeWindow: 10_000,
    };
    const queue = await world.open<string>(options);
    const others: [JobQueueOptions<string>, string, string][] = [
      [{ capacity: 6 }, "5", "6"],
      [{ leaseTime: 3_000 }, "2000", "3000"],
      [{ maxAttempts: 4 }, "3", "4"],
      [{ levels: 3 }, "2", "3"],
      [{ groups: ["one", "three"], group: "one" }, "two", "three"],
      [{ dedupeWindow: 20_000 }, "10000", "20000"],
    ];
    for (const [other, theirs, ours] of others) {
      const error = await assertRejects(
        () => world.open<string>({ ...options, ...other }),
        JobQueueError,
      );
      const plain = error.message.replaceAll(/[,_](?=\d{3})/g, "");
      assertEquals(error.reason, "mismatch");
      for (const part of [Object.keys(other)[0]!, theirs, ours]) {
        assert(plain.includes(part), `${error.message}, without ${part}`);
      }
    }
    // Which group, which codec, and in which order the groups are named, is each handle's own.
    const codec: Codec<string> = { kind: "text", encode: JSON.stringify, decode: JSON.parse };
    const same = await world.open<string>({ ...options, group: "two", codec });
    await queue.put("a");
    assertEquals((await world.comes(same.get())).value, "a");
  }, durable);

  law(
    "159, 169: a job that another codec has stored is a dead letter of whoever cannot read it",
    async (world) => {
      const codec: Codec<string> = { kind: "text", encode: (t) => t, decode: (t) => t };
      const writer = await world.open<string>({ codec });
      const reader = await world.open<string>();
      await writer.put("no JSON", { dedupeId: "odd" });
      await writer.put('"JSON"');
      const job = await world.comes(reader.get());
      assertEquals([job.value, job.attempt], ["JSON", 1]);
      await job.done();
      await statsAre(world, reader, { unfinished: 0, dead: 1 });
      assertEquals((await reader.dead.get("odd"))?.value, undefined);
      assertEquals((await writer.dead.get("odd"))?.value, "no JSON");
      assertEquals(await writer.dead.putBack("odd"), true);
      assertEquals((await world.comes(writer.get())).value, "no JSON");
    },
    durable,
  );

  law("169: bytes and text do not mix: who reads the other kind buries it", async (world) => {
    const raw: Codec<Uint8Array> = { kind: "bytes", encode: (b) => b, decode: (b) => b };
    const writer = await world.open<Uint8Array>({ codec: raw });
    const reader = await world.open<unknown>();
    await writer.put(new Uint8Array([255, 0, 128]), { dedupeId: "raw" });
    await writer.put(new Uint8Array([1]), { dedupeId: "second" });
    await assertRejects(() => reader.get({ timeout: 50 }));
    await statsAre(world, reader, { unfinished: 0, dead: 2 });
    assertEquals(
      new Uint8Array((await writer.dead.get("raw"))!.value!),
      new Uint8Array([255, 0, 128]),
    );
  }, durable);

  law("158: a lease that runs out on one handle comes to another that waits", async (world) => {
    const options = { leaseTime: world.lease };
    const first = await world.open<string>(options);
    const second = await world.open<string>(options);
    await first.put("a");
    const job = await first.get();
    const next = second.get();
    await world.waits(next);
    await world.pass(world.lease + 20);
    const again = await world.comes(next);
    assertEquals([again.value, again.attempt], ["a", 2]);
    assertEquals(await job.done(), false);
    await again.done();
    await statsAre(world, first, { unfinished: 0 });
  }, durable);

  law("154: a put that waits on one handle enters when a job is done on another", async (world) => {
    const first = await world.open<string>({ capacity: 1 });
    const second = await world.open<string>({ capacity: 1 });
    await first.put("a");
    const b = first.put("b");
    await world.waits(b);
    await (await second.get()).done();
    await world.comes(b);
    assertEquals(await drained(second), ["b"]);
    await world.comes(first.join());
  }, durable);
}
