/**
 * The contract of job queues: which values and ids come back as they were.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Codec } from "../../jobs/mod.ts";
import { drained, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

const bytes: Codec<Uint8Array> = { kind: "bytes", encode: (b) => b, decode: (b) => b };
const text: Codec<string> = { kind: "text", encode: (t) => t, decode: (t) => t };

const TEXTS = [
  "",
  " ",
  "a\nb\r\n\tc",
  "\0 and \u0001",
  "żółć 你好",
  "😀👩‍👩‍👧",
  "\uFEFFbom",
  '{"a": 1}',
  "x".repeat(5_000),
];

export function valueLaws(law: Law): void {
  law("169: what JSON tells comes back as it was", async (world) => {
    const queue = await world.open<unknown>();
    const values = [null, true, 0, -1.5, "", ...TEXTS, [], [1, [2, null]], {}, {
      a: { b: [{}] },
      "ü\n": 1,
    }];
    for (const value of values) await queue.put(value);
    assertEquals(await drained(queue), values);
  });

  law(
    "169: what JSON changes is changed, and what it cannot tell is refused, with nothing stored",
    async (world) => {
      const queue = await world.open<unknown>({ codec: "json" });
      await queue.put({ date: new Date(0), map: new Map([[1, 2]]), gone: undefined });
      assertEquals(await drained(queue), [{ date: "1970-01-01T00:00:00.000Z", map: {} }]);
      const circle: Record<string, unknown> = {};
      circle.self = circle;
      for (const value of [undefined, () => 1, Symbol("s"), 1n, { deep: [1n] }, circle]) {
        await assertRejects(
          () => queue.put(value),
          TypeError,
          "value must be one that JSON can tell",
        );
      }
      const own = new RangeError("the user's");
      const error = await assertRejects(() =>
        queue.put({
          toJSON: () => {
            throw own;
          },
        }), RangeError);
      assertStrictEquals(error, own);
      await statsAre(world, queue, { unfinished: 0 });
      await queue.put("fine");
    },
  );

  law(
    '169: codec "clone" keeps what the structured clone keeps, and refuses the rest',
    async (world) => {
      const queue = await world.open<unknown>({ codec: "clone" });
      const value = {
        date: new Date(5),
        map: new Map<unknown, unknown>([[1, new Set(["a"])]]),
        big: 1n << 70n,
        none: undefined,
        bytes: new Uint8Array([1, 2, 3]),
        text: "é\n😀",
      };
      await queue.put(value);
      await queue.put(undefined);
      value.bytes[0] = 9;
      const job = await world.comes(queue.get());
      const seen = job.value as typeof value;
      assertEquals(seen, { ...value, bytes: new Uint8Array([1, 2, 3]) });
      seen.map.clear();
      await job.retry();
      const values = await drained(queue);
      assertEquals(values.length, 2);
      assert(values.includes(undefined));
      assertEquals((values.find((v) => v !== undefined) as typeof value).map.size, 1);
      await assertRejects(() => queue.put(() => 1), TypeError, "value must be");
      const own = new RangeError("the user's");
      const error = await queue.put({
        get bad() {
          throw own;
        },
      }).catch((error) => error);
      assertStrictEquals(error, own);
      await statsAre(world, queue, { unfinished: 0 });
    },
    ({ kind }) => kind !== "nats",
  );

  law('169: codec "clone" is refused where values leave the process', async (world) => {
    await assertRejects(() => world.open({ codec: "clone" }), TypeError, "codec");
  }, ({ kind }) => kind === "nats");

  law("169: text of one's own comes back as it was", async (world) => {
    const queue = await world.open<string>({ codec: text });
    for (const value of TEXTS) await queue.put(value);
    assertEquals(await drained(queue), TEXTS);
    await assertRejects(() => queue.put("half \uD800 of a pair"), TypeError, "well-formed");
  });

  law(
    "169: bytes of one's own come back as they were, and nobody changes what is stored",
    async (world) => {
      const queue = await world.open<Uint8Array>({ codec: bytes });
      const all = Uint8Array.from({ length: 256 }, (_, n) => n);
      await queue.put(new Uint8Array());
      const given = new Uint8Array(all);
      const put = queue.put(given.subarray(10, 250));
      given.fill(7);
      await put;
      const [empty, job] = [await world.comes(queue.get()), await world.comes(queue.get())];
      assertEquals(new Uint8Array(empty.value), new Uint8Array());
      assert(job.value instanceof Uint8Array);
      assertEquals(new Uint8Array(job.value), all.slice(10, 250));
      job.value.fill(1);
      await job.retry();
      const again = await world.comes(queue.get());
      assertEquals(new Uint8Array(again.value), all.slice(10, 250));
      await again.reject("no");
      const [letter] = await queue.dead.list();
      assertEquals(new Uint8Array(letter!.value!), all.slice(10, 250));
      letter!.value!.fill(1);
      assertEquals(new Uint8Array((await queue.dead.get(again.id))!.value!), all.slice(10, 250));
      await empty.done();
    },
  );

  law(
    "169: a codec that throws refuses the value with its own error, and one that gives the wrong kind with a TypeError",
    async (world) => {
      const own = new Error("the codec's");
      let given: unknown = own;
      const encode = (): string => {
        if (given === own) throw own;
        return given as string;
      };
      const queue = await world.open<string>({ codec: { kind: "text", encode, decode: (t) => t } });
      assertStrictEquals(await queue.put("a").catch((error) => error), own);
      for (given of [5, undefined, new Uint8Array()]) {
        await assertRejects(() => queue.put("a"), TypeError, "codec.encode must give text");
      }
      given = "fine";
      await queue.put("a");
      assertEquals(await drained(queue), ["fine"]);
    },
  );

  law("159, 169: what cannot be decoded is a dead letter, and disturbs nobody", async (world) => {
    const thrown: unknown[] = [new SyntaxError("no such text"), Symbol("odd"), undefined];
    const decode = (t: string): string => {
      if (t.startsWith("bad")) throw thrown[Number(t.slice(3))];
      return t;
    };
    const codec: Codec<string> = { kind: "text", encode: (t) => t, decode };
    const queue = await world.open<string>({ codec });
    const early = queue.get();
    for (const value of ["bad0", "a", "bad1", "b", "bad2"]) {
      await queue.put(value, { dedupeId: value });
    }
    const values = [await world.comes(early)];
    while (values.length < 2) values.push(...await world.comes(queue.getMany(10)));
    assertEquals(values.map(({ value, attempt }) => [value, attempt]), [["a", 1], ["b", 1]]);
    await assertRejects(() => queue.get({ timeout: world.kind === "nats" ? 500 : 20 }));
    await queue.doneMany(values);
    await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 3 });
    const letters = await queue.dead.list();
    assertEquals(letters.map(({ id }) => id).toSorted(), ["bad0", "bad1", "bad2"]);
    assert(letters.every(({ value }) => value === undefined));
    assert((await queue.dead.get("bad0"))!.reason.includes("SyntaxError: no such text"));
    // Put back, it goes the same way.
    assertEquals(await queue.dead.putBack("bad0"), true);
    await assertRejects(() => queue.get({ timeout: world.kind === "nats" ? 500 : 20 }));
    await statsAre(world, queue, { unfinished: 0, dead: 3 });
  });

  law("155, 169: an id may be any text of up to 256 characters", async (world) => {
    const queue = await world.open<number>();
    const ids = [
      "x",
      " ",
      "a.b*c>d",
      "line\nbreak\r\n",
      "tab\t\0null",
      "käse 你好 😀",
      "é", // and the same to the eye, of two characters
      "e\u0301",
      "'; drop table jobs; --",
      "%_",
      "x".repeat(256),
      "😀".repeat(128),
      "-",
      "$",
    ];
    for (const [n, dedupeId] of ids.entries()) {
      assertEquals(await queue.put(n, { dedupeId }), { id: dedupeId, duplicate: false });
    }
    for (const dedupeId of ids) {
      assertEquals(await queue.put(0, { dedupeId }), { id: dedupeId, duplicate: true });
    }
    const jobs = await world.comes(queue.getMany(50));
    while (jobs.length < ids.length) jobs.push(...await world.comes(queue.getMany(50)));
    assertEquals(jobs.map(({ id }) => id), ids);
    for (const job of jobs) await job.reject("no");
    assertEquals((await queue.dead.list()).map(({ id }) => id), ids);
    for (const [n, id] of ids.entries()) {
      assertEquals((await queue.dead.get(id))?.value, n);
      assertEquals(await (n % 2 === 0 ? queue.dead.remove(id) : queue.dead.putBack(id)), true);
    }
    const back = ids.filter((_, n) => n % 2 === 1);
    const seen: string[] = [];
    while (seen.length < back.length) {
      const job = await world.comes(queue.get());
      seen.push(job.id);
      await job.done();
    }
    assertEquals(seen, back);
    await statsAre(world, queue, { unfinished: 0, dead: 0 });
  });
}
