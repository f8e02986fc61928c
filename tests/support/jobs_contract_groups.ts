/**
 * The contract of job queues: groups, each of which is handed every job.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import type { JobQueue } from "../../jobs/mod.ts";
import { drained, type JobWorld, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

interface Groups {
  readonly one: JobQueue<string>;
  readonly two: JobQueue<string>;
}

async function groupsOf(world: JobWorld, options = {}): Promise<Groups> {
  const one = await world.open<string>({ groups: ["one", "two"], ...options });
  return { one, two: one.forGroup("two") };
}

export function groupLaws(law: Law): void {
  law("167: each group is handed every job, and settles it for itself", async (world) => {
    const { one, two } = await groupsOf(world);
    assertEquals([one.group, two.group], ["one", "two"]);
    for (const value of ["a", "b", "c"]) await (value === "b" ? two : one).put(value);
    await statsAre(world, one, { ready: 3, unfinished: 3 });
    await statsAre(world, two, { ready: 3, unfinished: 3 });
    assertEquals(await drained(one), ["a", "b", "c"]);
    await statsAre(world, one, { ready: 0, unfinished: 3 });
    const job = await two.get();
    assertEquals([job.value, job.attempt], ["a", 1]);
    await job.done();
    await statsAre(world, two, { ready: 2, leased: 0, unfinished: 2 });
    assertEquals(await drained(two), ["b", "c"]);
    await statsAre(world, one, { unfinished: 0 });
  });

  law("154, 167: a slow group holds the bound", async (world) => {
    const { one, two } = await groupsOf(world, { capacity: 2 });
    await one.put("a");
    await one.put("b");
    assertEquals(await drained(one), ["a", "b"]);
    const c = one.put("c");
    await world.waits(c);
    await statsAre(world, one, { ready: 0, unfinished: 2 });
    await (await two.get()).done();
    await world.comes(c);
    await statsAre(world, two, { ready: 2, unfinished: 2 });
  });

  law("159, 167: attempts and dead letters are a group's own", async (world) => {
    const { one, two } = await groupsOf(world, { maxAttempts: 2 });
    await one.put("a", { dedupeId: "a" });
    await (await one.get()).retry();
    await (await world.comes(one.get())).retry({ reason: "again" });
    await statsAre(world, one, { ready: 0, unfinished: 1, dead: 1 });
    await statsAre(world, two, { ready: 1, unfinished: 1, dead: 0 });
    assertEquals(await two.dead.get("a"), undefined);
    assertEquals(await two.dead.putBack("a"), false);
    assertEquals(await two.dead.remove("a"), false);
    const job = await two.get();
    assertEquals(job.attempt, 1);
    await job.done();
    await statsAre(world, two, { unfinished: 0 });
    // Put back, it is a job of that group alone.
    assertEquals(await one.dead.putBack("a"), true);
    await statsAre(world, one, { ready: 1, unfinished: 1 });
    await statsAre(world, two, { ready: 0, unfinished: 1 });
    assertEquals(await drained(two), []);
    assertEquals(await drained(one), ["a"]);
    await statsAre(world, two, { unfinished: 0 });
  });

  law("155, 167: a duplicate is one for all groups", async (world) => {
    const { one, two } = await groupsOf(world);
    await one.put("a", { dedupeId: "a" });
    assertEquals((await two.put("b", { dedupeId: "a" })).duplicate, true);
    assertEquals([await drained(one), await drained(two)], [["a"], ["a"]]);
    assertEquals((await two.put("b", { dedupeId: "a" })).duplicate, true);
  });

  law("163, 167: join waits for all groups", async (world) => {
    const { one, two } = await groupsOf(world);
    await one.put("a");
    const joined = [one.join(), two.join()];
    await drained(one);
    await world.waits(Promise.race(joined));
    await (await two.get()).reject("no");
    await world.comes(Promise.all(joined));
  });

  law("158, 167: a lease that runs out comes again in its own group alone", async (world) => {
    const { one, two } = await groupsOf(world, { leaseTime: world.lease });
    await one.put("a");
    await one.get();
    await (await two.get()).done();
    const [first, second] = [one.get(), two.get({ timeout: 5_000 })];
    await world.pass(world.lease + 20);
    const job = await world.comes(first);
    assertEquals(job.attempt, 2);
    await world.waits(second);
    await job.done();
    await one.put("b");
    assertEquals((await world.comes(second)).value, "b");
  });

  law("156, 167: levels and delays hold in each group", async (world) => {
    const { one, two } = await groupsOf(world, { levels: 2 });
    const delay = world.lease / 4;
    await one.put("delayed", { delay });
    await one.put("1", { priority: 1 });
    await one.put("0");
    await statsAre(world, two, { ready: 2, delayed: 1 });
    assertEquals(await drained(one), ["0", "1"]);
    await world.pass(delay + 20);
    await statsAre(world, one, { ready: 1, delayed: 0, unfinished: 3 });
    assertEquals(await drained(two), ["0", "delayed", "1"]);
    assertEquals(await drained(one), ["delayed"]);
    await statsAre(world, one, { unfinished: 0 });
  }, ({ kind }) => kind !== "nats");

  law("167: groups that nobody has named are refused", async (world) => {
    const { one, two } = await groupsOf(world);
    for (const queue of [one, two]) {
      assertThrows(() => queue.forGroup("three"), RangeError, '"three"');
      assertThrows(() => queue.forGroup(5 as never), TypeError, "group");
    }
    assertEquals(two.forGroup("one").forGroup("two").group, "two");
  });
}
