/**
 * The contract of job queues: the dead letters.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { JobQueue } from "../../jobs/mod.ts";
import { drained, type JobWorld, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

/** Puts and rejects jobs of these ids, one after the other. */
async function bury(
  world: JobWorld,
  queue: JobQueue<string>,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    await queue.put(`value of ${id}`, { dedupeId: id });
    await (await world.comes(queue.get())).reject(`reason of ${id}`);
  }
}

async function listed(queue: JobQueue<string>): Promise<string[]> {
  return (await queue.dead.list()).map(({ id }) => id);
}

export function deadLaws(law: Law): void {
  law("166: dead letters are listed oldest first, page by page", async (world) => {
    const queue = await world.open<string>();
    assertEquals(await queue.dead.list(), []);
    const ids = ["e", "a", "d", "b", "c"];
    await bury(world, queue, ids);
    assertEquals(await listed(queue), ids);
    const page = async (limit: number, after?: string) =>
      (await queue.dead.list({ limit, after })).map(({ id }) => id);
    assertEquals(await page(2), ["e", "a"]);
    assertEquals(await page(2, "a"), ["d", "b"]);
    assertEquals(await page(2, "b"), ["c"]);
    assertEquals(await page(2, "c"), []);
    assertEquals(await page(100, "e"), ["a", "d", "b", "c"]);
    const [first, second] = await queue.dead.list({ limit: 2 });
    assert(first!.at <= second!.at);
    assertEquals([first!.value, first!.reason], ["value of e", "reason of e"]);
    await assertRejects(() => queue.dead.list({ after: "none" }), RangeError, '"none"');
  });

  law("166: what is removed is gone, and the pages close up", async (world) => {
    const queue = await world.open<string>();
    await bury(world, queue, ["a", "b", "c", "d"]);
    assertEquals(await queue.dead.remove("b"), true);
    assertEquals(await queue.dead.remove("b"), false);
    assertEquals(await queue.dead.remove("none"), false);
    assertEquals(await queue.dead.get("b"), undefined);
    assertEquals(await queue.dead.putBack("b"), false);
    assertEquals(await listed(queue), ["a", "c", "d"]);
    assertEquals((await queue.dead.list({ after: "a", limit: 1 })).map(({ id }) => id), ["c"]);
    await statsAre(world, queue, { dead: 3, unfinished: 0, ready: 0 });
    await queue.dead.remove("a");
    await queue.dead.remove("d");
    assertEquals(await listed(queue), ["c"]);
  });

  law(
    "166: a letter that is put back is a new job, with the same id, level and value",
    async (world) => {
      const queue = await world.open<string>({ levels: 2, maxAttempts: 2 });
      await queue.put("a", { dedupeId: "a", priority: 1 });
      await (await queue.get()).retry();
      await (await world.comes(queue.get())).retry();
      await queue.put("b", { priority: 1 });
      assertEquals(await queue.dead.putBack("a"), true);
      await statsAre(world, queue, { ready: 2, unfinished: 2, dead: 0 });
      assertEquals(await queue.dead.get("a"), undefined);
      // It goes behind those of its level.
      const b = await world.comes(queue.get());
      assertEquals(b.value, "b");
      await b.done();
      for (let attempt = 1; attempt <= 2; attempt++) {
        const job = await world.comes(queue.get());
        assertEquals([job.value, job.id, job.attempt, job.priority], ["a", "a", attempt, 1]);
        await job.retry({ reason: "second life" });
      }
      const letter = await queue.dead.get("a");
      assertEquals(letter?.attempts, 2);
      assert(letter!.reason.includes("second life"));
    },
  );

  law(
    "166: a letter that is put back waits while the queue is full, and stays a letter until then",
    async (world) => {
      const queue = await world.open<string>({ capacity: 1 });
      await bury(world, queue, ["a"]);
      await queue.put("there");
      const back = queue.dead.putBack("a");
      await world.waits(back);
      assertEquals(await listed(queue), ["a"]);
      await statsAre(world, queue, { unfinished: 1, dead: 1 });
      await (await queue.get()).done();
      assertEquals(await world.comes(back), true);
      await statsAre(world, queue, { unfinished: 1, dead: 0 });
      assertEquals(await drained(queue), ["value of a"]);
    },
  );

  law("166: a letter that is not there does not wait while the queue is full", async (world) => {
    const queue = await world.open<string>({ capacity: 1 });
    await queue.put("there", { dedupeId: "there" });
    assertEquals(await world.comes(queue.dead.putBack("none")), false);
    // Nor does one whose job is not given up.
    assertEquals(await world.comes(queue.dead.putBack("there")), false);
  });

  law("166: a letter is put back once, however many do it", async (world) => {
    const queue = await world.open<string>();
    const other = await world.beside(queue);
    await bury(world, queue, ["a"]);
    const backs = [queue, other, queue, other].map(({ dead }) => dead.putBack("a"));
    const results = await world.comes(Promise.all(backs));
    assertEquals(results.filter(Boolean).length, 1);
    await statsAre(world, queue, { unfinished: 1, dead: 0 });
    assertEquals(await drained(queue), ["value of a"]);
  });

  law("166: who waits for a letter's place finds it removed, and takes none", async (world) => {
    const queue = await world.open<string>({ capacity: 1 });
    await bury(world, queue, ["a"]);
    await queue.put("there");
    const back = queue.dead.putBack("a");
    await world.waits(back);
    assertEquals(await queue.dead.remove("a"), true);
    await (await queue.get()).done();
    assertEquals(await world.comes(back), false);
    await statsAre(world, queue, { unfinished: 0, dead: 0 });
    await queue.put("b");
  });

  law(
    "166: iteration gives all, also more than a page, and those that come meanwhile",
    async (world) => {
      const queue = await world.open<string>();
      const count = world.kind === "nats" ? 12 : 205;
      const ids = Array.from({ length: count }, (_, n) => `job ${n}`);
      await Promise.all(ids.map((id) => queue.put(id, { dedupeId: id })));
      for (let left = count; left > 0;) {
        const jobs = await world.comes(queue.getMany(64));
        await Promise.all(jobs.map((job) => job.reject("no")));
        left -= jobs.length;
      }
      const seen: string[] = [];
      for await (const { id } of queue.dead) {
        seen.push(id);
        if (seen.length === 5) await bury(world, queue, ["late"]);
      }
      assertEquals(seen.toSorted(), [...ids, "late"].toSorted());
      assertEquals(seen.at(-1), "late");
      if (count > 100) assertEquals((await queue.dead.list()).length, 100);
    },
  );

  law("166: letters may be put back or removed while they are gone through", async (world) => {
    const queue = await world.open<string>();
    await bury(world, queue, ["a", "b", "c", "d", "e"]);
    const seen: string[] = [];
    for await (const { id } of queue.dead) {
      seen.push(id);
      if (seen.length % 2 === 0) await queue.dead.remove(id);
      else await queue.dead.putBack(id);
    }
    assertEquals(seen, ["a", "b", "c", "d", "e"]);
    await statsAre(world, queue, { dead: 0, ready: 3, unfinished: 3 });
  });

  law(
    "155, 166: of letters with one id the last stands for it, and then the one before",
    async (world) => {
      const queue = await world.open<string>({ dedupeWindow: 100 });
      await bury(world, queue, ["a"]);
      await world.pass(world.clock === undefined ? 400 : 101);
      await queue.put("second", { dedupeId: "a" });
      await (await world.comes(queue.get())).reject("second");
      assertEquals(await listed(queue), ["a", "a"]);
      assertEquals((await queue.dead.get("a"))?.value, "second");
      assertEquals(await queue.dead.remove("a"), true);
      assertEquals((await queue.dead.get("a"))?.value, "value of a");
      assertEquals(await queue.dead.putBack("a"), true);
      assertEquals(await queue.dead.putBack("a"), false);
      assertEquals(await drained(queue), ["value of a"]);
      await statsAre(world, queue, { dead: 0 });
    },
  );
}
