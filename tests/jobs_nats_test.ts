/**
 * What is special to job queues on a NATS server: how they are opened, and why not; what they leave on the
 * server; what comes of processes that die, of values that are too large, and of a server that is full.
 * All laws are steps of one test; several run at a time.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { background, DeadlineExceededError, withCancel } from "../mod.ts";
import { JobQueueError, type JobQueueErrorReason } from "../jobs/mod.ts";
import { natsJobs, type NatsJobsOptions } from "../jobs/nats/mod.ts";
import type { Api } from "../jobs/nats/api.ts";
import { Layout } from "../jobs/nats/layout.ts";
import { Names } from "../jobs/nats/names.ts";
import { sameJobs } from "../jobs/nats/same_jobs.ts";
import { settingsOf } from "../jobs/job_options.ts";
import { NatsChild } from "./support/nats_child.ts";
import {
  finish,
  NatsScene,
  newName,
  pause,
  type Proof,
  proveAll,
  soon,
  untilSo,
} from "./support/nats_scene.ts";
import { NatsServer } from "./support/nats_server.ts";

const laws: [name: string, proof: Proof][] = [];

function law(name: string, proof: Proof): void {
  laws.push([name, proof]);
}

/** The error with which a call is refused, soon. */
async function refused(
  call: Promise<unknown>,
  reason: JobQueueErrorReason,
  ...says: string[]
): Promise<JobQueueError> {
  const error = await assertRejects(() => soon(call, 5_000), JobQueueError);
  assertEquals(error.reason, reason, error.message);
  for (const text of says) assertStringIncludes(error.message, text);
  return error;
}

/** A server of other options than that of all. */
async function withServer(
  options: Parameters<typeof NatsServer.start>[0],
  proof: (scene: NatsScene) => Promise<void>,
): Promise<void> {
  await using server = await NatsServer.start(options);
  await using scene = new NatsScene(server);
  await proof(scene);
}

interface ConsumerInfo {
  readonly num_waiting: number;
  readonly num_ack_pending: number;
  readonly num_pending: number;
}

interface StreamInfo {
  readonly config: { readonly max_msgs: number; readonly description: string };
  readonly state: { readonly messages: number; readonly bytes: number };
}

async function consumer(scene: NatsScene, level = 0, group = "default"): Promise<ConsumerInfo> {
  return await scene.asks(`CONSUMER.INFO.SLUICE_${scene.name}.${level}_${group}`);
}

async function work(scene: NatsScene): Promise<StreamInfo> {
  return await scene.asks(`STREAM.INFO.SLUICE_${scene.name}`);
}

law("173: nobody is there: the address is named, and how a server is started", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  listener.close();
  const error = await refused(natsJobs(`nats://${host}`), "unreachable", host, "nats-server -js");
  assert(error.cause instanceof Error);
  await refused(natsJobs([`nats://${host}`, host]), "unreachable", host);
});

law("173: a wrong password is told ten times, and the process goes on", async () => {
  await withServer({ user: "ada", password: "right" }, async ({ server }) => {
    const connection = { user: "ada", pass: "wrong" };
    await using child = new NatsChild("refused", server.host, { times: 10, connection });
    const { code, lines, errors } = await child.end();
    assertEquals(lines, [...Array(10).fill("unauthorized"), "goes on"], errors);
    assertEquals([code, errors], [0, ""]);
  });
});

law("173: an address may carry user and password, and options go before it", async () => {
  await withServer({ user: "ada", password: "a b:c@d/e%" }, async ({ server }) => {
    const secret = encodeURIComponent("a b:c@d/e%");
    await (await natsJobs(`nats://ada:${secret}@${server.host}`)).close();
    await (await natsJobs([`ada:${secret}@${server.host}`])).close();
    const wrong = `nats://ada:wrong@${server.host}/`;
    await refused(natsJobs(wrong), "unauthorized", "user and pass");
    await (await natsJobs(wrong, { connection: { user: "ada", pass: "a b:c@d/e%" } })).close();
    await refused(natsJobs(server.url), "unauthorized");
  });
});

law("173: a token is said by the address, or by an option", async () => {
  const config = 'authorization { token: "secret" }';
  await withServer({ config }, async ({ server }) => {
    await (await natsJobs(`nats://secret@${server.host}`)).close();
    await (await natsJobs(server.url, { connection: { token: "secret" } })).close();
    await refused(natsJobs(server.url, { connection: { token: "other" } }), "unauthorized");
  });
});

law("173: a user who may not do it is told what he may not", async () => {
  const config = `authorization { users: [
    { user: "all", password: "x" }
    { user: "api", password: "x", permissions: { publish: { deny: "$JS.API.STREAM.>" } } }
    { user: "put", password: "x", permissions: { publish: { deny: "sluice.>" } } }
    { user: "own", password: "x", permissions: { subscribe: { allow: "_OWN.>" } } }
  ] }`;
  await withServer({ config }, async ({ server }) => {
    const as = (user: string, more: object = {}) =>
      natsJobs<number>(server.url, { connection: { user, pass: "x", ...more } });
    await (await as("all")).close();
    await refused(as("api"), "unauthorized", "$JS.API.STREAM.", "permission");
    await refused(as("own"), "unauthorized", "subscribe to", "permission");
    await using own = await as("own", { inboxPrefix: "_OWN" });
    await using put = await as("put");
    await refused(put.put(1), "unauthorized", "publish to sluice.", "permission");
    await own.put(2);
    assertEquals(await finish(put, 1, ({ value }) => value), [2]);
  });
});

law("173: a server without JetStream is not enough, and how it is started is told", async () => {
  await withServer({ jetstream: false }, async ({ server }) => {
    await refused(natsJobs(server.url), "unsupported", "JetStream", "nats-server -js");
  });
});

law("173: three replicas on a server that is alone are refused at once", async (scene) => {
  await refused(scene.open({ replicas: 3 }), "unsupported", "replicas: 3", "cluster");
  await (await scene.open()).close();
});

law(
  "173: who opens with other options is told each that differs, theirs and his",
  async (scene) => {
    const options: NatsJobsOptions<number> = {
      capacity: 10,
      leaseTime: 1_000,
      maxAttempts: 3,
      levels: 2,
      groups: ["a", "b"],
      dedupeWindow: 5_000,
    };
    await scene.open(options);
    const other = scene.open({
      capacity: Infinity,
      leaseTime: 2_000,
      maxAttempts: Infinity,
      levels: 1,
      groups: ["b", "a"],
      dedupeWindow: 6_000,
      replicas: 2,
    });
    await refused(
      other,
      "mismatch",
      scene.name,
      'capacity is 10 there, not "unlimited"',
      "leaseTime is 1000 there, not 2000",
      'maxAttempts is 3 there, not "unlimited"',
      "levels is 2 there, not 1",
      'groups is ["a","b"] there, not ["b","a"]',
      "dedupeWindow is 5000 there, not 6000",
      "replicas is 1 there, not 2",
      "update: true",
    );
    await scene.open({ ...options, group: "b", codec: "json" });
  },
);

law("173: update: true changes what may be changed, and the jobs stay", async (scene) => {
  const first = await scene.open({ capacity: 2, levels: 1, leaseTime: 1_000 });
  await first.put(1);
  await first.put(2);
  const options = { capacity: 3, levels: 3, leaseTime: 50_000, maxAttempts: 2, dedupeWindow: 900 };
  const queue = await scene.open({ ...options, update: true });
  assertEquals((await work(scene)).config.max_msgs, 3);
  await queue.put(3, { priority: 2 });
  const over = queue.put(4, { priority: 1, timeout: 0 });
  await assertRejects(() => over, Error, "full");
  const jobs = await queue.getMany(3);
  assertEquals(jobs.map(({ value }) => value).sort(), [1, 2, 3]);
  assert(jobs.every(({ timeLeft }) => timeLeft > 40_000));
  await queue.doneMany(jobs);
  // All who come later say the same, and need not say that it is an update.
  await scene.open(options);
  await refused(scene.open({ capacity: 2 }), "mismatch", "levels is 3 there, not 1");
});

law("173: what cannot be changed stays, whatever else is asked for", async (scene) => {
  await scene.open({ levels: 2, capacity: 5 });
  const fewer = scene.open({ levels: 1, capacity: 6, update: true });
  await refused(fewer, "mismatch", "levels is 2 there, not 1", "cannot be changed");
  const groups = scene.open({ levels: 2, groups: ["default", "b"], update: true });
  await refused(groups, "mismatch", 'groups is ["default"] there', "cannot be changed");
  assertEquals((await work(scene)).config.max_msgs, 5);
});

law("167, 173: a group that is added gets what is put from then on", async (scene) => {
  const first = await scene.open({ groups: ["a", "b"] });
  await first.put(1);
  const c = await scene.open({ groups: ["a", "b", "c"], group: "c", update: true });
  await c.put(2);
  const values = await finish(c, 1, ({ value }) => value);
  assert(values[0] === 1 || values[0] === 2);
  for (const group of ["a", "b"]) {
    assertEquals(await finish(c.forGroup(group), 2, ({ value }) => value), [1, 2]);
  }
});

law("173: a stream of that name that is somebody else's is left alone", async (scene) => {
  const stream = `SLUICE_${scene.name}`;
  await scene.asks(`STREAM.CREATE.${stream}`, { name: stream, subjects: [`other.${scene.name}`] });
  await refused(scene.open({ update: true }), "mismatch", stream, "another name");
});

law("173: many that open a new queue at the same moment have the same one", async ({ server }) => {
  for (let n = 0; n < 6; n++) {
    const name = newName();
    const opening = Array.from({ length: 12 }, () => natsJobs<number>(server.url, { name }));
    const queues = await soon(Promise.all(opening));
    await queues[0]!.put(n);
    assertEquals((await soon(queues[11]!.get())).value, n);
    await soon(Promise.all(queues.map((queue) => queue.close())));
  }
});

law(
  "173: a stream whose name comes after its subjects, as somebody else makes it, is waited for",
  async () => {
    const asked = new Map<string, number>();
    const api = {
      ask(what: string): Promise<unknown> {
        const times = (asked.get(what) ?? 0) + 1;
        asked.set(what, times);
        if (what.startsWith("STREAM.INFO")) return refused(10059);
        return what.startsWith("STREAM.CREATE") && times < 3 ? refused(10065) : Promise.resolve({});
      },
    };
    const refused = (code: number) => Promise.resolve({ error: { code: 400, err_code: code } });
    await new Layout(api as unknown as Api, new Names("meeting"), settingsOf({}), 1).ensure(false);
    const made = [...asked].filter(([what]) => what.startsWith("STREAM.CREATE"));
    assertEquals(made.map(([, times]) => times), [3, 3, 3]);
  },
);

law(
  "175: the same job is known by its place and the millisecond, to the last nanosecond of it",
  async () => {
    const times = new Map([[1, 1_795_860_000_123], [2, 1_795_860_000_124]]);
    const api = {
      message: (_: string, { seq }: { seq: number }) => {
        const time = times.get(seq);
        return Promise.resolve(time === undefined ? undefined : { time });
      },
    };
    const check = sameJobs(api as unknown as Api, "work");
    const ack = (seq: number, time: string) => ({
      subject: `$JS.ACK.work.0_default.1.${seq}.${seq}.${time}.0`,
      body: "+ACK",
    });
    const [first, last] = [ack(1, "1795860000123000000"), ack(1, "1795860000123999999")];
    const [other, gone] = [ack(2, "1795860000123999999"), ack(3, "1795860000123999999")];
    assertEquals(await check([first, other, gone, last]), [first, last]);
  },
);

law("173: a queue that was deleted on the server says so", async (scene) => {
  const queue = await scene.open();
  const waits = assertRejects(() => soon(queue.get()), JobQueueError, "deleted");
  await untilSo(async () => (await consumer(scene)).num_waiting === 1);
  await scene.asks(`STREAM.DELETE.SLUICE_${scene.name}`);
  assertEquals((await waits).reason, "mismatch");
  await refused(queue.stats(), "mismatch", "deleted");
  // Nobody answers a put: the server might be about to start, for all that is known.
  await assertRejects(() => queue.put(1, { timeout: 100 }), DeadlineExceededError);
});

law("173: servers and connection are what they may be", async () => {
  const open = (servers: unknown, options: object = {}) => () =>
    natsJobs(servers as string, options);
  await assertRejects(open(undefined), TypeError, "servers");
  await assertRejects(open(4222), TypeError, "servers must be an address");
  await assertRejects(open([]), RangeError, "servers");
  for (const bad of ["", "http://127.0.0.1", "nats://", "nats://a@", "nats://h/path", 1, null]) {
    await assertRejects(open([bad]), TypeError, "an address of servers");
  }
  const url = "nats://127.0.0.1:1";
  await assertRejects(open(url, { connection: 1 }), TypeError, "connection");
  await assertRejects(open(url, { connection: null }), TypeError, "connection");
  await assertRejects(open(url, { replicas: 0 }), RangeError, "replicas");
  await assertRejects(open(url, { replicas: 6 }), RangeError, "replicas must be at most 5: 6");
  await assertRejects(open(url, { replicas: "3" }), TypeError, "replicas");
  await assertRejects(open(url, { update: 1 }), TypeError, "update must be true or false");
  await assertRejects(open(url, { codec: "clone" }), Error, "clone");
});

law("175: a program needs --allow-net for the server, and nothing else", async (scene) => {
  await using child = new NatsChild("works", scene.server.host, { name: scene.name });
  assertEquals(await child.end(), { code: 0, lines: ["done 1"], errors: "" });
});

law("153, 158: what a process held that was killed comes to another", async (scene) => {
  const leaseTime = 1_500;
  const queue = await scene.open({ leaseTime });
  for (let n = 1; n <= 3; n++) await queue.put(n);
  await using child = new NatsChild("holds", scene.server.host, {
    name: scene.name,
    leaseTime,
    times: 3,
  });
  assertEquals(await child.says("holds"), "holds 1 2 3");
  await child.kill();
  const jobs = await finish(queue, 3, ({ value, attempt }) => [value, attempt]);
  assertEquals(jobs.sort(), [[1, 2], [2, 2], [3, 2]]);
  await soon(queue.join());
});

law(
  "168, 175: gets that are ended leave no request on the server, and lose nothing",
  async (scene) => {
    const queue = await scene.open({ levels: 3 });
    const waiting = async (): Promise<number> => {
      const infos = await Promise.all([0, 1, 2].map((level) => consumer(scene, level)));
      return infos.reduce((sum, { num_waiting }) => sum + num_waiting, 0);
    };
    for (let round = 0; round < 3; round++) {
      const ctx = withCancel(background());
      const cause = new Error("enough");
      const gets = Array.from({ length: 20 }, () => queue.get(ctx));
      await untilSo(async () => await waiting() > 0);
      ctx.cancel(cause);
      const ends = await soon(Promise.allSettled(gets));
      assert(ends.every((end) => end.status === "rejected" && end.reason === cause));
      await untilSo(async () => await waiting() === 0);
    }
    for (let n = 0; n < 9; n++) await queue.put(n, { priority: n % 3 });
    const jobs = await finish(queue, 9, ({ value, attempt }) => [value, attempt]);
    assertEquals(jobs, [0, 3, 6, 1, 4, 7, 2, 5, 8].map((value) => [value, 1]));
  },
);

law("168, 175: gets that end as jobs come lose none of them", async (scene) => {
  const queue = await scene.open();
  const got = new Set<number>();
  const jobs = 60;
  const putAll = async (): Promise<void> => {
    for (let n = 0; n < jobs; n++) {
      await queue.put(n);
      await pause(n % 3);
    }
  };
  const end = performance.now() + 10_000;
  const takeAll = async (_: unknown, at: number): Promise<void> => {
    while (got.size < jobs && performance.now() < end) {
      try {
        const job = await queue.get({ timeout: 3 + at });
        got.add(job.value);
        await job.done();
      } catch (error) {
        assert(error instanceof DeadlineExceededError, `${error}`);
      }
    }
  };
  await Promise.all([putAll(), ...Array.from({ length: 4 }, takeAll)]);
  assertEquals([...got].sort((a, b) => a - b), Array.from({ length: jobs }, (_, n) => n));
  await soon(queue.join());
});

law(
  "165, 175: a handle that is closed leaves no request and no lease on the server",
  async (scene) => {
    const queue = await scene.open();
    for (let n = 0; n < 3; n++) await queue.put(n);
    await queue.getMany(2);
    const gets = [queue.getMany(5), queue.getMany(1)];
    await soon(gets[0]!);
    await untilSo(async () => (await consumer(scene)).num_waiting === 1);
    const ends = Promise.allSettled(gets);
    await queue.close();
    assertEquals((await ends).map(({ status }) => status), ["fulfilled", "rejected"]);
    await untilSo(async () => (await consumer(scene)).num_waiting === 0);
    const again = await scene.open();
    assertEquals((await finish(again, 3, ({ value }) => value)).sort(), [0, 1, 2]);
  },
);

law("175: what is done leaves nothing on the server", async (scene) => {
  const queue = await scene.open({ levels: 2, groups: ["a", "b"] });
  await queue.put(1, { dedupeId: "one" });
  await queue.put(2, { priority: 1 });
  await queue.put(3, { delay: 1 });
  for (const group of ["a", "b"]) await finish(queue.forGroup(group), 3, () => {});
  await soon(queue.join());
  await untilSo(async () => (await work(scene)).state.messages === 0);
  for (const group of ["a", "b"]) {
    const { num_ack_pending, num_pending } = await consumer(scene, 0, group);
    assertEquals([num_ack_pending, num_pending], [0, 0]);
  }
});

law("173, 175: a value that is too large is refused, and the queue goes on", async (scene) => {
  const queue = await scene.open<string>({ capacity: 2 });
  const large = "x".repeat(1_048_576);
  await refused(queue.put(large), "too-large", "1048576", "max_payload");
  await queue.put("a");
  await queue.put("b");
  // Also behind others that wait, and without waiting itself.
  const waits = queue.put("c");
  await refused(queue.put(large), "too-large");
  await refused(queue.put(large, { dedupeId: "large" }), "too-large");
  assertEquals(await finish(queue, 3, ({ value }) => value), ["a", "b", "c"]);
  await soon(waits);
  // What fits, fits.
  await queue.put("x".repeat(1_048_000));
  assertEquals(await finish(queue, 1, ({ value }) => value.length), [1_048_000]);
});

law(
  "154: puts that wait for a full stream enter in their order, less those that end",
  async (scene) => {
    const queue = await scene.open({ capacity: 2 });
    const ctx = withCancel(background());
    const cause = new Error("not this one");
    const puts = Array.from({ length: 30 }, (_, n) => queue.put(n, n % 5 === 3 ? ctx : undefined));
    const ends = Promise.allSettled(puts);
    await untilSo(async () => (await work(scene)).state.messages === 2);
    ctx.cancel(cause);
    const expected = Array.from({ length: 30 }, (_, n) => n).filter((n) => n % 5 !== 3);
    const values: number[] = [];
    while (values.length < expected.length) {
      const job = await soon(queue.get());
      values.push(job.value);
      assert((await work(scene)).state.messages <= 2);
      await job.done();
    }
    assertEquals(values, expected);
    for (const [n, end] of (await ends).entries()) {
      assertEquals(end.status, n % 5 === 3 ? "rejected" : "fulfilled");
      if (end.status === "rejected") assertEquals(end.reason, cause);
    }
  },
);

law(
  '173: a server whose storage is full says "storage", and goes on when there is room',
  async () => {
    await withServer({ jetstream: "max_file: 200KB" }, async (scene) => {
      const queue = await scene.open<string>();
      const value = "x".repeat(30_000);
      let stored = 0;
      const error = await assertRejects(async () => {
        for (; stored < 20; stored++) await queue.put(value, { timeout: 3_000 });
      }, JobQueueError);
      assertEquals(error.reason, "storage", error.message);
      assert(stored >= 3);
      await finish(queue, stored, () => {});
      await queue.put(value, { timeout: 3_000 });
      assertEquals(await finish(queue, 1, ({ value }) => value.length), [30_000]);
    });
  },
);

law("155, 175: ids and reasons of any characters come back as they were", async (scene) => {
  const texts = [
    "a b",
    "\r\n",
    "*",
    ">",
    ".",
    "..",
    "$JS.>",
    "é€😀",
    "\u0000\u007f",
    "=0041",
    "a:b",
  ];
  const queue = await scene.open<string>({ maxAttempts: 1 });
  for (const text of texts) {
    assertEquals(await queue.put(text, { dedupeId: text }), { id: text, duplicate: false });
    assertEquals(await queue.put(text, { dedupeId: text }), { id: text, duplicate: true });
  }
  for (const text of texts) {
    const job = await soon(queue.get());
    assertEquals([job.id, job.value], [text, text]);
    await job.reject(text);
  }
  await queue.close();
  const again = await scene.open<string>({ maxAttempts: 1 });
  const letters = await again.dead.list();
  assertEquals(
    letters.map(({ id, reason, value }) => [id, reason, value]),
    texts.map((t) => [t, t, t]),
  );
  for (const text of texts) assertEquals((await again.dead.get(text))?.reason, text);
  assertEquals(await again.dead.putBack("😀"), false);
  for (const text of texts) assertEquals(await again.dead.putBack(text), true);
  assertEquals(await finish(again, texts.length, ({ id }) => id), texts);
});

law(
  "166: dead letters are there when the queue is opened again, with all that they tell",
  async (scene) => {
    const from = Date.now();
    {
      await using queue = await scene.open({ maxAttempts: 2, levels: 2 });
      await queue.put(7, { dedupeId: "seven", priority: 1 });
      await (await queue.get()).retry();
      await (await queue.get()).retry({ reason: new RangeError("no seven") });
      await queue.put(8);
      await (await queue.get()).reject();
    }
    await using queue = await scene.open({ maxAttempts: 2, levels: 2 });
    const letters = await queue.dead.list();
    assertEquals(letters.map(({ value, attempts }) => [value, attempts]), [[7, 2], [8, 1]]);
    assertStringIncludes(letters[0]!.reason, "no seven");
    assert(Number(letters[0]!.at) >= from - 1_000);
    assertEquals((await queue.stats()).dead, 2);
    assertEquals(await queue.dead.putBack("seven"), true);
    const job = await soon(queue.get());
    assertEquals([job.value, job.id, job.priority, job.attempt], [7, "seven", 1, 1]);
    await job.done();
    assertEquals((await queue.stats()).dead, 1);
  },
);

law("157: a delay goes on while nobody has the queue open", async (scene) => {
  const start = performance.now();
  {
    await using queue = await scene.open();
    await queue.put(1, { delay: 700 });
    await queue.put(2, { delay: 60_000 });
  }
  await using queue = await scene.open();
  assertEquals((await queue.stats()).delayed, 2);
  const [job] = await finish(queue, 1, ({ value, attempt }) => [value, attempt]);
  assertEquals(job, [1, 1]);
  assert(performance.now() - start >= 700);
  const { delayed, unfinished } = await queue.stats();
  assertEquals([delayed, unfinished], [1, 1]);
});

law(
  "157, 175: a get that has waited long gets a job whose delay ends long after it was called",
  async (scene) => {
    const queue = await scene.open();
    const waits = queue.get();
    // Longer than a request waits at the server.
    await queue.put(1, { delay: 5_800 });
    const job = await soon(waits, 8_000);
    assertEquals([job.value, job.attempt], [1, 1]);
  },
);

law(
  "157, 154: a job whose delay is over waits for room like others, and is not lost",
  async (scene) => {
    const queue = await scene.open({ capacity: 2 });
    await queue.put(1, { delay: 100 });
    await queue.put(2, { delay: 100 });
    const third = queue.put(3);
    const values = await finish(queue, 3, ({ value }) => value);
    await soon(third);
    assertEquals(values.sort(), [1, 2, 3]);
    await soon(queue.join());
    assertEquals((await queue.stats()).unfinished, 0);
  },
);

law(
  "167: a letter that is put back comes to its group alone, once, and all are finished then",
  async (scene) => {
    const a = await scene.open({ groups: ["a", "b"], levels: 2 });
    const b = a.forGroup("b");
    await a.put(1, { dedupeId: "one", priority: 1 });
    await (await soon(a.get())).reject("not here");
    await finish(b, 1, () => {});
    await soon(a.join());
    const waits = b.get({ timeout: 400 });
    assertEquals(await a.dead.putBack("one"), true);
    await a.put(2, { priority: 1 });
    const back = await finish(a, 2, ({ id, value, attempt }) => [id, value, attempt]);
    assertEquals(back[0], ["one", 1, 1]);
    const other = await soon(waits);
    assertEquals(other.value, 2);
    await other.done();
    await assertRejects(() => b.get({ timeout: 100 }), Error);
    await soon(b.join());
    const { ready, leased, unfinished } = await b.stats();
    assertEquals([ready, leased, unfinished], [0, 0, 0]);
  },
);

law("165, 175: two handles of one process are two, and each ends alone", async (scene) => {
  const one = await scene.open();
  const two = await scene.open();
  await one.put(1);
  const job = await soon(two.get());
  await assertRejects(() => one.doneMany([job]), TypeError);
  const waits = soon(one.get());
  await two.close();
  const back = await waits;
  assertEquals([back.value, back.attempt], [1, 2]);
  assertEquals(await job.done(), false);
  await one.put(2);
  assertEquals(await back.done(), true);
  assertEquals(await finish(one, 1, ({ value }) => value), [2]);
});

law("156: with many takers the levels are kept", async (scene) => {
  const one = await scene.open({ levels: 3 });
  const two = await scene.open({ levels: 3 });
  const jobs = 60;
  await Promise.all(Array.from({ length: jobs }, (_, n) => one.put(n, { priority: n % 3 })));
  const levels: number[] = [];
  await Promise.all(Array.from({ length: 12 }, async (_, at) => {
    const queue = at % 2 === 0 ? one : two;
    for (let left = jobs / 12; left > 0; left--) {
      const job = await soon(queue.get());
      levels.push(job.priority);
      await job.done();
    }
  }));
  // Those that are asked for at once may come a little out of order: no more than there are takers.
  for (let level = 0; level < 3; level++) {
    const before = levels.slice(0, Math.max(0, level * 20 - 12));
    assert(before.every((seen) => seen < level || level === 0), levels.join(""));
  }
  assertEquals(levels.filter((level) => level === 0).length, 20);
  // Those who wait take what comes, whatever its level.
  const waits = Array.from({ length: 6 }, () => soon(two.get()));
  for (const priority of [2, 0, 1, 2, 0, 1]) await one.put(0, { priority });
  const got = await Promise.all(waits);
  assertEquals(got.map(({ priority }) => priority).sort(), [0, 0, 1, 1, 2, 2]);
  await two.doneMany(got);
  await soon(one.join());
});

law("153, 175: a name is a queue of its own, also if it begins like another", async (scene) => {
  const names = [scene.name, `${scene.name}-a`, `${scene.name}_a`, `DUE_${scene.name}`, newName()];
  for (const [n, name] of names.entries()) await (await scene.open({ name })).put(n);
  for (const [n, name] of names.entries()) {
    const queue = await scene.open({ name });
    assertEquals((await queue.stats()).unfinished, 1);
    assertEquals(await finish(queue, 1, ({ value }) => value), [n]);
  }
});

Deno.test("153-175: what is special to job queues on a NATS server", async (t) => {
  await using server = await NatsServer.start();
  await proveAll(t, server, laws, 6);
  assertMatch(server.log, /Server is ready/);
});
