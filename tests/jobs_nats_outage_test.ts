/**
 * What becomes of job queues on a NATS server that is killed and started again, stands still, changes its
 * password, or is gone for good. The laws are steps of one test, one after the other on one server.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { background, ClosedError, DeadlineExceededError, withCancel } from "../mod.ts";
import { JobQueueError } from "../jobs/mod.ts";
import type { StreamInfo } from "@nats-io/jetstream";
import { natsJobs } from "../jobs/nats/mod.ts";
import { Names } from "../jobs/nats/names.ts";
import { finish, pause, type Proof, proveAll, soon, untilSo } from "./support/nats_scene.ts";
import { NatsServer } from "./support/nats_server.ts";

const laws: [name: string, proof: Proof][] = [];

function law(name: string, proof: Proof): void {
  laws.push([name, proof]);
}

/** Milliseconds in which a call with a timeout of 200 has to end. */
const IN_TIME = 1_500;

/** What a call rejects with, in time. */
async function ends(call: Promise<unknown>, type: new (...args: never[]) => Error): Promise<void> {
  const start = performance.now();
  await assertRejects(() => soon(call, 4_000), type as new () => Error);
  const ms = performance.now() - start;
  assert(ms < IN_TIME, `it took ${ms} ms`);
}

law("153, 175: a put is stored once, although the server is killed under it", async (scene) => {
  const { server } = scene;
  const queue = await scene.open();
  await queue.put(0);
  const early = Array.from({ length: 50 }, (_, n) => queue.put(1 + n, named(n)));
  await Promise.race(early);
  await server.kill();
  const late = Array.from({ length: 20 }, (_, n) => queue.put(51 + n, named(n)));
  await server.restart();
  const receipts = await soon(Promise.all([...early, ...late]));
  assert(receipts.every(({ duplicate }) => !duplicate));
  assertEquals((await queue.stats()).unfinished, 71);
  const values = await finish(queue, 71, ({ value, attempt }) => value + (attempt - 1) / 10);
  assertEquals(values.sort((a, b) => a - b), Array.from({ length: 71 }, (_, n) => n));
  await soon(queue.join());

  function named(n: number): object {
    return n % 2 === 0 ? {} : { dedupeId: crypto.randomUUID() };
  }
});

law(
  "153, 155, 175: a put whose answer was lost is stored once, and is no duplicate of itself",
  async (scene) => {
    await using mute = new MuteProxy(scene.server);
    const queue = await natsJobs<number>(mute.url, { name: scene.name });
    try {
      const witness = await scene.open({ leaseTime: 30_000 });
      mute.swallow();
      const puts = [
        queue.put(1, { dedupeId: "one" }),
        queue.put(2),
        queue.put(3, { delay: 1, dedupeId: "three" }),
      ];
      await untilSo(async () => (await witness.stats()).unfinished === 3);
      // Somebody else's is a duplicate.
      assertEquals((await witness.put(9, { dedupeId: "one" })).duplicate, true);
      mute.cut();
      const receipts = await soon(Promise.all(puts));
      assertEquals(receipts.map(({ duplicate }) => duplicate), [false, false, false]);
      assertEquals((await soon(queue.put(9, { dedupeId: "one" }))).duplicate, true);
      const values = await finish(queue, 3, ({ value }) => value);
      assertEquals(values.sort(), [1, 2, 3]);
      await soon(witness.join());
    } finally {
      await queue.close();
    }
  },
);

law(
  "160, 175: after an outage no job is finished for another whose place it has",
  async (scene) => {
    await using mute = new MuteProxy(scene.server);
    const queue = await natsJobs<number>(mute.url, { name: scene.name });
    try {
      for (let n = 1; n <= 3; n++) await queue.put(n);
      const [first, second, third] = await soon(queue.getMany(3));
      mute.swallow();
      const done = first!.done();
      const { work } = new Names(scene.name);
      await untilSo(async () =>
        (await scene.asks<StreamInfo>(`STREAM.INFO.${work}`)).state.messages === 2
      );
      // As servers do that have lost the end of a stream: other jobs stand at the same places.
      await scene.asks(`STREAM.DELETE.${work}`);
      const witness = await scene.open({ leaseTime: 30_000 });
      for (let n = 4; n <= 6; n++) await witness.put(n);
      mute.cut();
      assertEquals(await soon(done), true);
      assertEquals(await soon(second!.done()), true);
      assertEquals(await soon(third!.extend()), false);
      assertEquals((await witness.stats()).unfinished, 3);
      assertEquals(await finish(witness, 3, ({ value }) => value), [4, 5, 6]);
    } finally {
      await queue.close();
    }
  },
);

law("154, 175: puts that wait for room wait on over a restart, in their order", async (scene) => {
  const queue = await scene.open({ capacity: 1 });
  const puts = Array.from({ length: 6 }, (_, n) => queue.put(n));
  await soon(puts[0]!);
  await scene.server.restart();
  assertEquals(await finish(queue, 6, ({ value }) => value), [0, 1, 2, 3, 4, 5]);
  await soon(Promise.all(puts));
});

law("155, 175: a duplicate is one also after a restart", async (scene) => {
  const queue = await scene.open();
  await queue.put(1, { dedupeId: "one" });
  await scene.server.restart();
  assertEquals((await soon(queue.put(2, { dedupeId: "one" }))).duplicate, true);
  assertEquals(await finish(queue, 1, ({ value }) => value), [1]);
});

law("168, 175: gets wait on over a restart, and are served when something comes", async (scene) => {
  const queue = await scene.open({ levels: 2 });
  const gets = Array.from({ length: 4 }, () => queue.get());
  await pause(30);
  await scene.server.restart();
  for (let n = 0; n < 4; n++) await soon(queue.put(n, { priority: n % 2 }));
  const jobs = await soon(Promise.all(gets));
  assertEquals(jobs.map(({ value }) => value).sort(), [0, 1, 2, 3]);
  await queue.doneMany(jobs);
  await soon(queue.join());
});

law(
  "160, 175: what is settled while the server is down is settled when it is back",
  async (scene) => {
    const { server } = scene;
    const queue = await scene.open({ maxAttempts: 2 });
    for (let n = 0; n < 6; n++) await queue.put(n);
    const [done, retried, rejected, extended, ...both] = await soon(queue.getMany(6));
    await server.kill();
    const settled = [
      done!.done(),
      retried!.retry(),
      rejected!.reject("no"),
      extended!.extend(),
      queue.doneMany(both),
    ];
    await server.restart();
    assertEquals(await soon(Promise.all<boolean | number>(settled)), [true, true, true, true, 2]);
    assertEquals(await finish(queue, 1, ({ value, attempt }) => [value, attempt]), [[1, 2]]);
    assertEquals(await extended!.done(), true);
    await soon(queue.join());
    assertEquals((await queue.dead.list()).map(({ value, reason }) => [value, reason]), [[
      2,
      "no",
    ]]);
  },
);

law("158, 159, 175: leases and attempts outlive a restart that was asked for", async (scene) => {
  const leaseTime = 1_000;
  const queue = await scene.open({ leaseTime, maxAttempts: 2 });
  await queue.put(1);
  await (await soon(queue.get())).retry();
  const job = await soon(queue.get());
  assertEquals(job.attempt, 2);
  // One that is killed may have forgotten an attempt of the last moments.
  await scene.server.kill("SIGTERM");
  await scene.server.restart();
  await untilSo(() => Promise.resolve(job.timeLeft === 0));
  // Its last lease has run out: who asks finds nothing, and it is a dead letter.
  await assertRejects(() => queue.get({ timeout: leaseTime }), DeadlineExceededError);
  await untilSo(async () => (await queue.stats()).dead === 1);
  assertEquals(await job.done(), false);
});

law("157, 175: a delay outlives a restart", async (scene) => {
  const queue = await scene.open();
  const start = performance.now();
  await queue.put(1, { delay: 600 });
  await scene.server.restart();
  assertEquals(await finish(queue, 1, ({ value, attempt }) => [value, attempt]), [[1, 1]]);
  assert(performance.now() - start >= 600);
});

law("163, 164, 166, 175: join, stats and the dead letters wait for the server", async (scene) => {
  const { server } = scene;
  const queue = await scene.open();
  await queue.put(1);
  await (await soon(queue.get())).reject("no");
  await queue.put(2);
  const job = await soon(queue.get());
  const joined = queue.join();
  await server.kill();
  const asked = [queue.stats(), queue.dead.list(), queue.dead.get("nobody")] as const;
  await pause(30);
  await server.restart();
  const [stats, letters, nobody] = await soon(Promise.all(asked));
  assertEquals([stats.dead, stats.leased, letters.length, nobody], [1, 1, 1, undefined]);
  await job.done();
  await soon(joined);
});

law("168, 175: while the server is down every call ends when it is to end", async (scene) => {
  const { server } = scene;
  const queue = await scene.open();
  for (let n = 0; n < 8; n++) await queue.put(n);
  const jobs = (await soon(queue.getMany(8))).values();
  const { dead } = queue;
  const calls: [string, (wait: object) => Promise<unknown>][] = [
    ["put", (wait) => queue.put(8, { ...wait, dedupeId: "eight" })],
    ["get", (wait) => queue.get(wait)],
    ["join", (wait) => queue.join(wait)],
    ["stats", (wait) => queue.stats(wait)],
    ["list", (wait) => dead.list(wait)],
    ["dead.get", (wait) => dead.get("x", wait)],
    ["putBack", (wait) => dead.putBack("x", wait)],
    ["extend", (wait) => jobs.next().value!.extend(wait)],
    ["done", (wait) => jobs.next().value!.done(wait)],
    ["reject", (wait) => jobs.next().value!.reject("no", wait)],
    ["doneMany", (wait) => queue.doneMany([jobs.next().value!], wait)],
  ];
  await server.kill("SIGTERM");
  for (const way of ["timeout", "context"]) {
    const cause = new Error("enough");
    const ctx = withCancel(background());
    const start = performance.now();
    const ended = calls.map(async ([name, call]) => {
      const error = await soon(call(way === "timeout" ? { timeout: 200 } : { ctx }))
        .then(() => undefined, (error) => error);
      const fits = way === "timeout" ? error instanceof DeadlineExceededError : error === cause;
      assert(fits, `${name}: ${error}`);
      const ms = performance.now() - start;
      assert(ms < IN_TIME, `${name}: ${ms} ms`);
    });
    if (way === "context") ctx.cancel(cause);
    await Promise.all(ended);
  }
  await server.restart();
  // Those who waited were not told, and what they had begun goes on: two were extended.
  await untilSo(async () => (await queue.stats()).leased === 2);
});

law("165, 175: a handle is closed promptly while the server is down", async (scene) => {
  const { server } = scene;
  const queue = await scene.open();
  for (let n = 0; n < 3; n++) await queue.put(n);
  const [first, second] = await soon(queue.getMany(3));
  const waits = [queue.get(), queue.join(), queue.stats()].map((call) => ends(call, ClosedError));
  await server.kill();
  waits.push(ends(queue.put(3), ClosedError));
  // What is on its way has a moment, and then nobody knows.
  const unsure = Promise.allSettled([first!.done(), queue.doneMany([second!])]);
  const start = performance.now();
  await soon(queue.close());
  assert(performance.now() - start < IN_TIME);
  await Promise.all(waits);
  assertEquals((await soon(unsure)).map(({ status }) => status), ["rejected", "rejected"]);
  await server.restart();
  const again = await scene.open();
  assertEquals((await again.stats()).leased, 3);
});

law(
  "168, 165, 175: a server that stands still holds nobody up who has a timeout",
  async (scene) => {
    const { server } = scene;
    const queue = await scene.open();
    const other = await scene.open();
    await server.kill("SIGSTOP");
    try {
      const put = other.put(1);
      await Promise.all([
        ends(queue.put(2, { timeout: 200 }), DeadlineExceededError),
        ends(queue.get({ timeout: 200 }), DeadlineExceededError),
        ends(queue.stats({ timeout: 200 }), DeadlineExceededError),
      ]);
      const waits = ends(queue.get(), ClosedError);
      const start = performance.now();
      await soon(queue.close());
      const ms = performance.now() - start;
      assert(ms < IN_TIME, `close took ${ms} ms`);
      await waits;
      await server.kill("SIGCONT");
      assertEquals((await soon(put)).duplicate, false);
    } finally {
      await server.kill("SIGCONT");
    }
  },
);

law("165, 175: a server that stands still holds no close up for ever", async (scene) => {
  const { server } = scene;
  const queue = await scene.open();
  await queue.put(1);
  const job = await soon(queue.get());
  await server.kill("SIGSTOP");
  try {
    const unsure = assertRejects(() => job.done(), JobQueueError);
    await soon(queue.close(), 10_000);
    assertEquals((await unsure).reason, "unreachable");
  } finally {
    await server.kill("SIGCONT");
  }
});

law("173: a server that is gone is unreachable for those who open", async ({ server }) => {
  await server.kill();
  const error = await assertRejects(() => soon(natsJobs(server.url)), JobQueueError);
  assertEquals(error.reason, "unreachable");
  await server.restart();
});

law(
  "173, 175: with another password all that waits, and all that comes, is unauthorized",
  async (scene) => {
    const { server } = scene;
    await server.restart({ user: "ada", password: "first" });
    const connection = { user: "ada", pass: "first" };
    const queue = await scene.open({ connection });
    await queue.put(1);
    const job = await soon(queue.get());
    const waits: Promise<unknown>[] = [queue.get(), queue.join()];
    await server.kill();
    waits.push(queue.put(2), queue.stats());
    const refused = waits.map(unauthorized);
    await server.restart({ user: "ada", password: "second" });
    await Promise.all(refused);
    await Promise.all([
      queue.put(3),
      queue.put(3, { timeout: 0 }),
      queue.get(),
      queue.getMany(2, { timeout: 1_000 }),
      queue.stats(),
      queue.join(),
      queue.dead.list(),
      queue.dead.putBack("x"),
      job.done(),
    ].map(unauthorized));
    const start = performance.now();
    await soon(queue.close());
    assert(performance.now() - start < IN_TIME);
    // The job is where it was, for those who know the new one.
    const again = await scene.open({ connection: { user: "ada", pass: "second" } });
    assertEquals((await again.stats()).unfinished, 1);
    await again.close();
    await server.restart({});
  },
);

/** Between a client and its server: it can swallow what the server says, and end the connection. */
class MuteProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #server: NatsServer;
  readonly #running: Promise<void>;
  readonly #open = new Set<Deno.Conn>();
  #mute = false;

  constructor(server: NatsServer) {
    this.#server = server;
    this.#running = this.#run();
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  swallow(): void {
    this.#mute = true;
  }

  /** Those who come again are heard. */
  cut(): void {
    this.#mute = false;
    for (const conn of this.#open) close(conn);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#running;
  }

  async #run(): Promise<void> {
    const pumps: Promise<void>[] = [];
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#server.port });
      this.#open.add(client).add(server);
      pumps.push(this.#pump(client, server, false), this.#pump(server, client, true));
    }
    await Promise.all(pumps);
  }

  async #pump(from: Deno.Conn, to: Deno.Conn, answers: boolean): Promise<void> {
    try {
      for await (const bytes of from.readable) {
        const writer = to.writable.getWriter();
        if (!answers || !this.#mute) await writer.write(bytes);
        writer.releaseLock();
      }
    } catch {
      // It was cut.
    }
    close(from);
    close(to);
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}

async function unauthorized(call: Promise<unknown>): Promise<void> {
  const error = await assertRejects(() => soon(call), JobQueueError);
  assertEquals(error.reason, "unauthorized", error.message);
}

Deno.test("153-175: job queues outlive what becomes of their NATS server", async (t) => {
  await using server = await NatsServer.start();
  await proveAll(t, server, laws, 1);
});
