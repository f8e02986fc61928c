/**
 * The contract of job queues: what no call accepts. Each is refused with a TypeError or RangeError that
 * names the argument, and nothing has happened.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JobLease, JobQueue, JobQueueOptions } from "../../jobs/mod.ts";
import { statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";
import { secondCopy } from "./second_copy.ts";

type Kind = typeof TypeError | typeof RangeError;

async function refused(call: () => Promise<unknown>, kind: Kind, part: string): Promise<void> {
  const error = await call().then(() => undefined, (error) => error);
  assert(error instanceof kind, `${part}: ${error}`);
  assert(error.message.includes(part), `${error.message}, without ${part}`);
}

const badOptions: readonly (readonly [string, unknown, Kind])[] = [
  ["name", 5, TypeError],
  ["name", null, TypeError],
  ["name", "", RangeError],
  ["name", "a b", RangeError],
  ["name", "a.b", RangeError],
  ["name", "a\n", RangeError],
  ["name", "x".repeat(65), RangeError],
  ["capacity", "5", TypeError],
  ["capacity", 0, RangeError],
  ["capacity", 1.5, RangeError],
  ["capacity", NaN, RangeError],
  ["leaseTime", "5", TypeError],
  ["leaseTime", 0, RangeError],
  ["leaseTime", -1, RangeError],
  ["leaseTime", NaN, RangeError],
  ["leaseTime", Infinity, RangeError],
  ["maxAttempts", null, TypeError],
  ["maxAttempts", 0, RangeError],
  ["maxAttempts", 2.5, RangeError],
  ["levels", "2", TypeError],
  ["levels", 0, RangeError],
  ["levels", 17, RangeError],
  ["levels", 1.5, RangeError],
  ["levels", Infinity, RangeError],
  ["groups", "one", TypeError],
  ["groups", [], RangeError],
  ["groups", [5], TypeError],
  ["groups", ["a b"], RangeError],
  ["groups", ["a", "a"], RangeError],
  ["group", "none", RangeError],
  ["group", 5, TypeError],
  ["group", null, TypeError],
  ["dedupeWindow", 0, RangeError],
  ["dedupeWindow", "5", TypeError],
  ["dedupeWindow", Infinity, RangeError],
  ["codec", "xml", TypeError],
  ["codec", null, TypeError],
  ["codec", {}, TypeError],
  ["codec", { kind: "text", encode: 5, decode: () => 1 }, TypeError],
  ["codec", { kind: "bytes", encode: () => 1 }, TypeError],
];

export function argumentLaws(law: Law): void {
  law("173: a queue is not opened with an option that is not what it may be", async (world) => {
    for (const [name, value, kind] of badOptions) {
      const part = name === "groups" && Array.isArray(value) ? "group" : name;
      await refused(() => world.open({ [name]: value } as JobQueueOptions<unknown>), kind, part);
    }
    // The best and the largest that are allowed.
    const queue = await world.open<string>({
      capacity: Infinity,
      maxAttempts: Infinity,
      levels: 16,
      groups: ["x".repeat(64), "A-z_9"],
      group: undefined,
      codec: undefined,
    });
    await queue.put("a", { priority: 15 });
    const job = await world.comes(queue.get());
    assertEquals([job.priority, queue.capacity, queue.maxAttempts], [15, Infinity, Infinity]);
  });

  law("153, 156: put refuses what is no option of it, and stores nothing", async (world) => {
    const queue = await world.open<string>({ levels: 2 });
    const bad: [unknown, Kind, string][] = [
      [{ dedupeId: 5 }, TypeError, "dedupeId"],
      [{ dedupeId: null }, TypeError, "dedupeId"],
      [{ dedupeId: "" }, RangeError, "dedupeId"],
      [{ dedupeId: "x".repeat(257) }, RangeError, "dedupeId"],
      [{ dedupeId: "half \uD83D" }, RangeError, "dedupeId"],
      [{ priority: "1" }, TypeError, "priority"],
      [{ priority: -1 }, RangeError, "priority"],
      [{ priority: 0.5 }, RangeError, "priority"],
      [{ priority: NaN }, RangeError, "priority"],
      [{ priority: 2 }, RangeError, "priority must be at most 1"],
      [{ priority: Infinity }, RangeError, "priority"],
      [{ delay: "1" }, TypeError, "delay"],
      [{ delay: -1 }, RangeError, "delay"],
      [{ delay: NaN }, RangeError, "delay"],
      [{ delay: Infinity }, RangeError, "delay"],
      [{ timeout: "1" }, TypeError, "timeout"],
      [{ ctx: {} }, TypeError, "ctx"],
      [{ signal: {} }, TypeError, "signal"],
      [5, TypeError, "options"],
      [null, TypeError, "options"],
      ["text", TypeError, "options"],
    ];
    for (const [options, kind, part] of bad) {
      await refused(() => queue.put("a", options as object), kind, part);
    }
    await statsAre(world, queue, { unfinished: 0 });
    const receipt = await queue.put("a", { dedupeId: undefined, priority: undefined, delay: 0 });
    assertEquals(receipt.duplicate, false);
  });

  law("156: a queue of one level says so", async (world) => {
    const queue = await world.open<string>();
    await refused(() => queue.put("a", { priority: 1 }), RangeError, "one level");
  });

  law("168: every call refuses what it cannot wait with", async (world) => {
    const queue = await world.open<string>({ leaseTime: 60_000 });
    await queue.put("a");
    const job = await queue.get();
    const calls: Record<string, (wait: never) => Promise<unknown>> = {
      get: (wait) => queue.get(wait),
      getMany: (wait) => queue.getMany(1, wait),
      doneMany: (wait) => queue.doneMany([job], wait),
      join: (wait) => queue.join(wait),
      stats: (wait) => queue.stats(wait),
      list: (wait) => queue.dead.list(wait),
      letter: (wait) => queue.dead.get("a", wait),
      putBack: (wait) => queue.dead.putBack("a", wait),
      remove: (wait) => queue.dead.remove("a", wait),
      done: (wait) => job.done(wait),
      retry: (wait) => job.retry(wait),
      reject: (wait) => job.reject("no", wait),
      extend: (wait) => job.extend(wait),
    };
    const { background } = await secondCopy();
    const bad = [5, "text", null, { timeout: "1" }, { signal: 5 }, { ctx: 5 }, background()];
    for (const [name, call] of Object.entries(calls)) {
      for (const wait of bad) {
        const error = await call(wait as never).then(() => undefined, (error) => error);
        assert(error instanceof TypeError, `${name} with ${JSON.stringify(wait)}: ${error}`);
      }
      await refused(() => call({ timeout: NaN } as never), RangeError, "timeout");
    }
    assertEquals([job.settled, await job.done()], [false, true]);
  });

  law("156, 160, 166: counts, delays and ids are what they may be", async (world) => {
    const queue = await world.open<string>();
    for (const max of [0, -1, 1.5, NaN, Infinity]) {
      await refused(() => queue.getMany(max), RangeError, "max");
      await refused(() => queue.dead.list({ limit: max }), RangeError, "limit");
    }
    await refused(() => queue.getMany("1" as never), TypeError, "max");
    await refused(() => queue.getMany(undefined as never), TypeError, "max");
    await refused(() => queue.dead.list({ limit: null as never }), TypeError, "limit");
    await refused(() => queue.dead.list({ after: 5 as never }), TypeError, "after");
    await refused(() => queue.dead.list(5 as never), TypeError, "options");
    for (const call of ["get", "putBack", "remove"] as const) {
      await refused(() => queue.dead[call](5 as never), TypeError, "id");
      await refused(() => queue.dead[call](undefined as never), TypeError, "id");
    }
    await queue.put("a");
    const job = await queue.get();
    for (const delay of [-1, NaN, Infinity]) {
      await refused(() => job.retry({ delay }), RangeError, "delay");
    }
    await refused(() => job.retry({ delay: "1" as never }), TypeError, "delay");
    await refused(() => job.retry(7 as never), TypeError, "must be");
    assertEquals(job.settled, false);
    await nothingHappened(queue, job);
  });
}

async function nothingHappened(queue: JobQueue<string>, job: JobLease<string>): Promise<void> {
  assertEquals((await queue.stats()).leased, 1);
  assertEquals(await job.done(), true);
}
