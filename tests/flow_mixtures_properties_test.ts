/**
 * Random mixtures: channels, queues, topics and groups behind chains in which zips are over tees and over other
 * zips, read at branches by all calls, which are cancelled at random, or left at a random moment. Nothing is
 * lost or doubled, all settles, and nothing is left.
 *
 * @module
 */
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import {
  background,
  Channel,
  type Context,
  Queue,
  type Receiver,
  recv,
  select,
  withCancel,
} from "../mod.ts";
import {
  type Branch,
  filter,
  map,
  type Producer,
  type ReceiverIterator,
  split,
  tee,
  Topic,
  window,
  zip,
} from "../flow/mod.ts";
import { coreOf } from "../core/core_of.ts";
import { ManualClock } from "../tasks/mod.ts";
import { numbers } from "./support/tracked.ts";
import { Watched } from "./support/watched.ts";

const RUNS = 300;

/** What goes through: the numbers that were sent, alone or together. */
type Values = readonly number[];

const gaps = fc.nat(12);

/** So many microtasks. */
async function pause(gap: number): Promise<void> {
  for (let i = 0; i < gap; i++) await null;
}

// ---- sources ----

interface From {
  readonly source: Producer<Values>;
  send(value: number, ctx?: Context): Promise<void>;
  close(): void;
}

const froms: Readonly<Record<string, (capacity: number) => From>> = {
  channel: (capacity) => {
    const ch = new Channel<Values>(capacity);
    return { source: ch, send: (n, ctx) => ch.send([n], ctx), close: () => ch.close() };
  },
  queue: (capacity) => {
    const queue = new Queue<Values>(capacity);
    return { source: queue, send: (n, ctx) => queue.put([n], ctx), close: () => queue.shutdown() };
  },
  topic: (capacity) => {
    const topic = new Topic<Values>({ capacity: capacity + 1 });
    const source = topic.subscribe({ lossless: true });
    return { source, send: (n, ctx) => topic.publish([n], ctx), close: () => topic.close() };
  },
  group: (capacity) => {
    const topic = new Topic<Values>({ capacity: capacity + 1 });
    const source = topic.group("all", { lossless: true }).join();
    return { source, send: (n, ctx) => topic.publish([n], ctx), close: () => topic.close() };
  },
};

const from = fc.record({ kind: fc.constantFrom(...Object.keys(froms)), capacity: fc.nat(3) });

// ---- chains ----

type Link = (source: Producer<Values>, clock: ManualClock) => Producer<Values>;

/** They keep what a single channel behind them has, also when they are left. */
const keeping: fc.Arbitrary<Link> = fc.oneof(
  fc.constant<Link>((source) => map(source, (values) => values)),
  fc.constant<Link>((source) => map(zip(source, numbers()), ([values]) => values)),
  gaps.map<Link>((gap) => (source) => {
    const slow = map(numbers(), (n) => pause(gap).then(() => n));
    return map(zip(slow, source), ([, values]) => values);
  }),
);

/** They keep it as long as they are read. */
const passing: fc.Arbitrary<Link> = fc.oneof(
  keeping,
  gaps.map<Link>((gap) => (source) => filter(source, () => pause(gap).then(() => true))),
  fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    ms: fc.option(fc.integer({ min: 1, max: 9 })),
  })
    .map<Link>(({ count, ms }) => (source, clock) => {
      const options = { count, ms: ms ?? undefined, clock };
      return map(window(source, options), (windows) => windows.flat());
    }),
  fc.record({ n: fc.integer({ min: 1, max: 3 }), capacity: fc.nat(2) }).map<Link>(
    (options) => (source) =>
      map(zip(...tee(source, options.n, options)), (row) => {
        for (const values of row) assertEquals(values, row[0]);
        return row[0]!;
      }),
  ),
);

function chained(
  links: readonly Link[],
  source: Producer<Values>,
  clock: ManualClock,
): Producer<Values> {
  return links.reduce((made, link) => link(made, clock), source);
}

// ---- reading ----

const calls: Readonly<
  Record<string, (from: Branch<Values>, ctx: Context) => Promise<readonly Values[]>>
> = {
  receive: async (from, ctx) => {
    const got = await from.receive(ctx);
    return got.ok ? [got.value] : [];
  },
  take: async (from, ctx) => [await from.take(ctx)],
  batch: (from, ctx) => from.receiveMany(2, { ctx }),
  select: async (from, ctx) => {
    const got = await select({ one: recv(from), none: recv(new Channel<never>()) }, ctx);
    return got.ok ? [got.value] : [];
  },
  tryReceive: (from) => {
    const got = from.tryReceive();
    return Promise.resolve(got?.ok ? [got.value] : []);
  },
};

const read = fc.record({
  by: fc.constantFrom(...Object.keys(calls)),
  branch: fc.nat(),
  gap: gaps,
  cancelled: fc.boolean(),
  ms: fc.nat(3),
});

/** What came, in the order of the calls. */
const flat = (seen: readonly (readonly Values[])[]): number[] => seen.flat().flat();

Deno.test("4, 140, 149, 150, 151: whatever is cancelled at branches of a mixture, each value comes once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      from,
      fc.array(passing, { maxLength: 3 }),
      fc.record({ splits: fc.boolean(), n: fc.integer({ min: 1, max: 3 }), capacity: fc.nat(2) }),
      fc.array(gaps, { maxLength: 15 }),
      fc.array(read, { maxLength: 20 }),
      async ({ kind, capacity }, links, fork, sends, reads) => {
        const clock = new ManualClock();
        const { source, send, close } = froms[kind]!(capacity);
        const chain = chained(links, source, clock);
        const branches: readonly Branch<Values>[] = fork.splits
          ? split(chain, ([n]) => n! % 3 === 0, { capacity: Math.max(1, fork.capacity) })
          : tee(chain, fork.n, fork);
        const seen: (readonly Values[])[][] = branches.map(() => []);
        const sent: number[] = [];
        const sending = sends.map(async (gap, n) => {
          await pause(gap);
          await sendOnce(send, n, gap, sent);
        });
        const reading: Watched[] = [];
        for (const { by, branch, gap, cancelled, ms } of reads) {
          const which = branch % branches.length;
          const at = seen[which]!.push([]) - 1;
          const ctx = withCancel(background());
          const call = calls[by]!(branches[which]!, ctx).then((got) => {
            seen[which]![at] = got;
          });
          reading.push(new Watched(call));
          await pause(gap);
          if (cancelled) ctx.cancel();
          await clock.advance(ms);
        }
        const rest = branches.map(async (branch, which) => {
          for await (const values of branch) seen[which]!.push([values]);
        });
        const over = new Watched(Promise.all([...sending, ...rest]));
        await Promise.all(sending);
        close();
        await clock.advance(200);
        assertEquals([over.is, over.error], ["fulfilled", undefined]);
        assertEquals(reading.filter(({ is }) => is === "pending").length, 0);
        assertEquals([clock.timers, coreOf(source)!.takers.length], [0, 0]);
        const came = seen.map(flat);
        if (fork.splits) {
          assertEquals(
            came.flat().toSorted((a, b) => a - b),
            sent.toSorted((a, b) => a - b),
          );
        } else for (const values of came) assertEquals(values, sent);
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("4, 149, 150: whenever a mixture with one channel is left, what it gave and what is left is what was sent", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ kind: fc.constantFrom("channel", "topic", "group"), capacity: fc.nat(3) }),
      fc.array(keeping, { minLength: 1, maxLength: 4 }),
      fc.array(gaps, { maxLength: 12 }),
      fc.array(gaps, { maxLength: 12 }),
      async ({ kind, capacity }, links, sends, reads) => {
        const { source, send, close } = froms[kind]!(capacity);
        const it = chained(links, source, new ManualClock()) as ReceiverIterator<Values>;
        const sent: number[] = [];
        const sending = sends.map(async (gap, n) => {
          await pause(3 * gap);
          await sendOnce(send, n, gap, sent);
        });
        const seen: number[] = [];
        const reading: Promise<void>[] = [];
        for (const gap of reads) {
          reading.push(
            it.next().then(({ done, value }) => {
              if (!done) seen.push(...value);
            }),
          );
          await pause(gap);
        }
        await it.return();
        await Promise.all(reading);
        assertEquals(coreOf(source)!.takers.length, 0);
        const rest = source as Receiver<Values>;
        const left = (async () => {
          for await (const values of rest) seen.push(...values);
        })();
        await Promise.all(sending);
        close();
        await left;
        assertEquals(seen, sent);
      },
    ),
    { numRuns: RUNS },
  );
});

/** Sends a number, or gives up; `sent` has those that were accepted. */
async function sendOnce(
  send: From["send"],
  value: number,
  gap: number,
  sent: number[],
): Promise<void> {
  const ctx = withCancel(background());
  const sending = send(value, ctx).then(() => void sent.push(value), () => {});
  if (gap % 4 === 3) {
    await pause(gap);
    ctx.cancel();
  }
  await sending;
}
