/**
 * The contract of job queues: the end of a handle.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { background, ClosedError, withCancel } from "../../mod.ts";
import { statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

async function errorOf(promise: Promise<unknown>): Promise<ClosedError> {
  const error = await promise.then(() => assert(false, "it did not reject"), (error) => error);
  assertInstanceOf(error, ClosedError);
  return error;
}

export function closeLaws(law: Law): void {
  law(
    "165: close ends all waits with ClosedError; that of a put carries its value",
    async (world) => {
      const queue = await world.open<string>({ capacity: 1 });
      await queue.put("dead", { dedupeId: "dead" });
      await (await queue.get()).reject("no");
      await queue.put("a");
      const job = await queue.get();
      const ctx = withCancel(background());
      const waits = [
        queue.get(),
        queue.get(ctx),
        queue.getMany(3, { timeout: 100_000 }),
        queue.join(),
        queue.dead.putBack("dead"),
      ];
      const puts = [queue.put("late"), queue.put("named", { dedupeId: "named", ctx })];
      await world.waits(Promise.race([...waits, ...puts]));
      const closing = queue.close();
      assertEquals(queue.closed, true);
      for (const wait of waits) {
        const error = await errorOf(wait);
        assert(!("value" in error));
        assert(error.message.includes(`"${queue.name}"`), error.message);
      }
      assertEquals((await errorOf(puts[0]!)).value, "late");
      assertEquals((await errorOf(puts[1]!)).value, "named");
      await closing;
      assertEquals(job.settled, true);
    },
  );

  law("165: close gives back what is out on lease, and others get it at once", async (world) => {
    const queue = await world.open<string>({ maxAttempts: 2 });
    const other = await world.beside(queue);
    for (const value of ["a", "b", "c", "d"]) await other.put(value);
    const jobs = [await other.get(), ...await other.getMany(3)];
    await jobs[0]!.done();
    const get = queue.get();
    await world.waits(get);
    await other.close();
    const again = [await world.comes(get)];
    while (again.length < 3) again.push(...await world.comes(queue.getMany(5)));
    assertEquals(again.map(({ value }) => value).sort(), ["b", "c", "d"]);
    assertEquals(again.map(({ attempt }) => attempt), [2, 2, 2]);
    assertEquals(await jobs[0]!.done(), true);
    // They are out of his hands.
    for (const job of jobs.slice(1)) {
      assertEquals([job.settled, await job.done(), await job.extend()], [true, false, false]);
      await job[Symbol.asyncDispose]();
    }
    await statsAre(world, queue, { leased: 3, unfinished: 3 });
    assertEquals(await queue.doneMany(again), 3);
  });

  law("165: close waits for what is on its way: a done is stored", async (world) => {
    const queue = await world.open<string>();
    const other = await world.beside(queue);
    await queue.put("a");
    await queue.put("b");
    const [a, b] = [await world.comes(other.get()), await world.comes(other.get())];
    const [done, rejected] = [a.done(), b.reject("no")];
    await other.close();
    assertEquals([await done, await rejected], [true, true]);
    await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 1 });
  });

  law("165: after close every call rejects, and a second close is the same", async (world) => {
    const queue = await world.open<string>();
    await queue.put("a");
    const job = await queue.get();
    const first = queue.close();
    assert(queue.close() === first);
    assert(queue.closed);
    // From the first moment on.
    const calls = [
      queue.put("b"),
      queue.get(),
      queue.getMany(2),
      queue.join(),
      queue.stats(),
      queue.dead.list(),
      queue.dead.get("x"),
      queue.dead.putBack("x"),
      queue.dead.remove("x"),
      queue.dead[Symbol.asyncIterator]().next(),
    ];
    await Promise.all(calls.map(errorOf));
    await first;
    await queue.close();
    await queue[Symbol.asyncDispose]();
    assertEquals((await errorOf(queue.put("c"))).value, "c");
    await errorOf(queue.get({ timeout: 0 }));
    assertThrows(() => queue.forGroup(queue.group), ClosedError);
    assertEquals([job.settled, job.timeLeft >= 0, await job.done()], [true, true, false]);
    assertEquals(await queue.doneMany([job]), 0);
    await assertRejects(() => queue.put(undefined as never), TypeError);
  });

  law("165, 167: closing the view of a group ends that view alone", async (world) => {
    const queue = await world.open<string>({ groups: ["one", "two"] });
    const view = queue.forGroup("two");
    const twin = queue.forGroup("two");
    await queue.put("a");
    const job = await world.comes(view.get());
    const [viewed, own] = [view.get(), world.comes(queue.get())];
    assertEquals((await own).value, "a");
    const next = twin.get();
    await world.waits(Promise.race([viewed, next]));
    await view.close();
    await errorOf(viewed);
    assertEquals([view.closed, queue.closed, twin.closed, job.settled], [true, false, false, true]);
    const again = await world.comes(next);
    assertEquals([again.value, again.attempt], ["a", 2]);
    await again.done();
    await queue.put("b");
    await statsAre(world, queue, { ready: 1, leased: 1, unfinished: 2 });
    await errorOf(view.stats());
  });

  law("165, 167: the views of a queue end with it, their puts with their values", async (world) => {
    const queue = await world.open<string>({ groups: ["one", "two"], capacity: 1 });
    const view = queue.forGroup("two");
    const inner = view.forGroup("two");
    await queue.put("a");
    const job = await world.comes(view.get());
    const waits = [view.get(), inner.get(), view.join()];
    const put = view.put("late");
    await world.waits(Promise.race([...waits, put]));
    const closing = queue.close();
    assertEquals([view.closed, inner.closed], [true, true]);
    await Promise.all(waits.map(errorOf));
    assertEquals((await errorOf(put)).value, "late");
    assertEquals((await errorOf(view.put("later"))).value, "later");
    assertThrows(() => view.forGroup("one"), ClosedError);
    await closing;
    assertEquals([job.settled, await job.done()], [true, false]);
    await errorOf(view.stats());
    await view.close();
  });

  law("165: leaving the scope of a queue closes it", async (world) => {
    const opened = await world.open<string>();
    {
      await using queue = opened;
      await queue.put("a");
    }
    assert(opened.closed);
    await errorOf(opened.get());
  });
}
