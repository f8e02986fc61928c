/**
 * What a queue keeps its items in: the ring, the stack and the heap.
 *
 * @module
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Heap } from "../core/heap.ts";
import { RankHeap } from "../core/rank_heap.ts";
import { Ring } from "../core/ring.ts";
import { Stack } from "../core/stack.ts";
import { Entry, type Storage } from "../core/storage.ts";
import { background, LifoQueue, PriorityQueue, Queue, withCancel } from "../mod.ts";
import { held } from "./support/collect.ts";
import { filled, kinds } from "./support/queues.ts";

// ---- order ----

Deno.test("7, 30: a ring is first in, first out, however its ends go round", () => {
  // Every fill around the sizes at which it grows, taken out in runs of every length.
  for (let fill = 1; fill <= 70; fill++) {
    for (const run of [1, 2, 7, 16, 33]) {
      const ring = new Ring<number>();
      let put = 0;
      let got = 0;
      for (let round = 0; round < 6; round++) {
        while (ring.length < fill) ring.push(put++);
        for (let n = 0; n < run && ring.length > 0; n++) assertStrictEquals(ring.shift(), got++);
        assertEquals(ring.length, put - got);
      }
      while (ring.length > 0) assertStrictEquals(ring.shift(), got++);
      assertEquals(got, put);
    }
  }
});

Deno.test("11: a stack is last in, first out", () => {
  const stack = new Stack<number>();
  for (let n = 0; n < 5; n++) stack.push(n);
  assertEquals([stack.shift(), stack.shift(), stack.length], [4, 3, 3]);
  stack.push(9);
  assertEquals([stack.shift(), stack.shift(), stack.shift(), stack.shift()], [9, 2, 1, 0]);
  assertEquals(stack.length, 0);
});

Deno.test("13: a heap sorts, and is stable: all sequences of up to 7 items of 3 ranks", () => {
  for (const heapOf of heaps) {
    for (const ranks of sequences(7, 3)) {
      const heap = heapOf();
      const entries = ranks.map((rank, n) => new Entry({ rank, n }, 1, rank));
      for (const entry of entries) heap.push(entry);
      const order = entries.toSorted((a, b) => Number(a.rank) - Number(b.rank));
      for (const [at, entry] of order.entries()) {
        assertEquals(heap.length, order.length - at);
        assertStrictEquals(heap.shift().value, entry.value);
      }
    }
  }
});

Deno.test("13: so it does when items come and go: all programs of up to 9 steps", () => {
  for (const heapOf of heaps) {
    // 0 and 1 put an item of that rank, 2 takes one.
    for (const steps of sequences(9, 3)) {
      const heap = heapOf();
      const model: Entry[] = [];
      for (const [n, step] of steps.entries()) {
        if (step < 2) {
          const entry = new Entry({ rank: step, n }, 1, step);
          heap.push(entry);
          model.push(entry);
          model.sort((a, b) => Number(a.rank) - Number(b.rank));
        } else if (model.length > 0) {
          assertStrictEquals(heap.shift().value, model.shift()!.value);
        }
      }
      while (model.length > 0) assertStrictEquals(heap.shift().value, model.shift()!.value);
      assertEquals(heap.length, 0);
    }
  }
});

Deno.test("13, R31: ranks of every kind are sorted, as many as there are, and again when all have left", () => {
  const kinds: Record<string, (n: number) => number | bigint | string> = {
    number: (n) => n - 50.5,
    bigint: (n) => BigInt(n) << 70n,
    string: (n) => String.fromCodePoint(0x61 + n),
    Date: (n) => n * 86_400_000,
  };
  for (const [kind, rankOf] of Object.entries(kinds)) {
    const heap = new RankHeap();
    // Past the size at which an empty heap gives its storage back, and below it.
    for (const count of [9, 100, 5_000, 17]) {
      const ranks = Array.from({ length: count }, (_, n) => (n * 37) % 101);
      for (const [n, rank] of ranks.entries()) heap.push(new Entry(n, 1, rankOf(rank), kind));
      const order = [...ranks.keys()].toSorted((a, b) => ranks[a]! - ranks[b]!);
      for (const n of order) {
        const { value, rank } = heap.shift();
        assertEquals([value, rank], [n, rankOf(ranks[n]!)]);
      }
      assertEquals(heap.length, 0);
    }
  }
});

Deno.test("13, R5: an entry that is put again stands behind its equals", () => {
  for (const heapOf of heaps) {
    const heap = heapOf();
    const [a, b] = ["a", "b"].map((n) => new Entry({ rank: 1, n }, 1, 1));
    heap.push(a!);
    heap.push(b!);
    heap.push(heap.shift());
    assertEquals([heap.shift().value, heap.shift().value], [b!.value, a!.value]);
  }
});

Deno.test("29: a heap of ranks knows each item's weight, whichever comes first", () => {
  // 0 and 1 put an item of that weight, 2 takes one.
  for (const steps of sequences(7, 3)) {
    const heap = new RankHeap();
    const model: Entry[] = [];
    for (const [n, step] of steps.entries()) {
      if (step === 2) {
        const expected = model.shift();
        if (expected !== undefined) assertEquals(heap.shift().weight, expected.weight);
      } else {
        const entry = new Entry(n, step, n % 2);
        heap.push(entry);
        model.push(entry);
        model.sort((a, b) => Number(a.rank) - Number(b.rank));
      }
    }
    while (model.length > 0) assertEquals(heap.shift().weight, model.shift()!.weight);
  }
});

Deno.test("23: what is cleared is empty, and can be used again", () => {
  for (const storageOf of storages) {
    const storage = storageOf();
    const entries = [0, 1, 2].map((n) => new Entry({ rank: 0, n }, 1, 0));
    for (const entry of entries) storage.push(entry);
    storage.clear();
    assertEquals(storage.length, 0);
    storage.push(entries[2]!);
    assertEquals([storage.length, storage.shift(), storage.length], [1, entries[2], 0]);
  }
});

// ---- comparators that fail ----

Deno.test("15: a heap whose comparator throws, at whichever comparison, is as it was", () => {
  for (const ranks of sequences(6, 3)) {
    for (const use of ["push", "shift"] as const) {
      for (let at = 1, failed = true; failed; at++) {
        let left = Infinity;
        const heap = new Heap((a, b) => {
          if (--left === 0) throw new SyntaxError();
          return rankOf(a) - rankOf(b);
        });
        const entries = ranks.map((rank, n) => new Entry({ rank, n }, 1, rank));
        for (const entry of entries) heap.push(entry);
        const order = entries.toSorted((a, b) => Number(a.rank) - Number(b.rank));
        const extra = new Entry({ rank: -1, n: -1 }, 1, -1);
        left = at;
        try {
          if (use === "push") heap.push(extra);
          else heap.shift();
          failed = false;
        } catch (error) {
          assert(error instanceof SyntaxError);
        }
        left = Infinity;
        if (!failed && use === "push") order.unshift(extra);
        if (!failed && use === "shift") order.shift();
        assertEquals(heap.length, order.length);
        for (const entry of order) assertStrictEquals(heap.shift(), entry);
      }
    }
  }
});

Deno.test("15: while the comparator runs the heap refuses to be used", () => {
  const uses: ((heap: Heap) => void)[] = [
    (heap) => heap.push(new Entry({ rank: 0, n: 0 }, 1, 0)),
    (heap) => void heap.shift(),
    (heap) => heap.clear(),
  ];
  for (const use of uses) {
    let on = false;
    const heap: Heap = new Heap((a, b) => {
      if (on) use(heap);
      return rankOf(a) - rankOf(b);
    });
    const entries = [2, 1].map((rank, n) => new Entry({ rank, n }, 1, rank));
    for (const entry of entries) heap.push(entry);
    on = true;
    assertThrows(() => heap.push(entries[0]!), TypeError, "compare");
    on = false;
    assertEquals([heap.length, heap.shift(), heap.shift()], [2, entries[1], entries[0]]);
  }
});

// ---- memory ----

Deno.test("16: a queue keeps no reference to an item that has left it", async () => {
  const queues: Queue<object>[] = [
    new Queue<object>(),
    new LifoQueue<object>(),
    new PriorityQueue<object>({ priority: () => 1 }),
    new PriorityQueue<object>({ compare: () => 0 }),
    new Queue<object>({ weigh: () => 1 }),
  ];
  const refs: WeakRef<object>[] = [];
  // A function of its own, so that nothing on the stack holds what it made.
  const putAndGet = (queue: Queue<object>, count: number): void => {
    for (let n = 0; n < count; n++) {
      const item = { n };
      refs.push(new WeakRef(item));
      queue.putNowait(item);
    }
    for (let n = 0; n < count; n++) queue.getNowait();
  };
  const stay = {};
  for (const queue of queues) {
    // The ring grows from 16 to 32, and keeps its slots.
    for (const count of [1, 15, 16, 17, 100]) putAndGet(queue, count);
    queue.putNowait(stay);
  }
  assertEquals(await held(refs), 0);
  assertEquals(queues.map(({ size }) => size), queues.map(() => 1));
});

Deno.test("16: nor to one that was handed over, refused, cancelled or dropped", async () => {
  const refs: WeakRef<object>[] = [];
  const queues: Queue<object>[] = [];
  await (async () => {
    const item = (): object => {
      const item = {};
      refs.push(new WeakRef(item));
      return item;
    };
    for (const make of [Queue<object>, LifoQueue<object>, Rankless]) {
      const handed = new make();
      const waiting = [handed.get(), handed.lease(), handed.getBatch(2)];
      for (let n = 0; n < 3; n++) handed.putNowait(item());
      await Promise.all(waiting);

      const full = filled(new make(1), {});
      full.tryPut(item());
      const ctx = withCancel(background());
      const parked = [full.put(item(), ctx), full.put(item(), { timeout: 0 })];
      ctx.cancel();
      await Promise.allSettled(parked);

      const dropped = new make(2);
      for (let n = 0; n < 2; n++) dropped.putNowait(item());
      const late = dropped.put(item());
      dropped.shutdown({ immediate: true });
      await Promise.allSettled([late, dropped.put(item())]);
      queues.push(handed, full, dropped);
    }
  })();
  assertEquals(await held(refs), 0);
  assertEquals(queues.map(({ size }) => size), [0, 1, 0, 0, 1, 0, 0, 1, 0]);
});

// ---- cost ----

Deno.test("30: taking an item does not move the rest: its accesses do not grow with the queue", () => {
  for (
    const [name, make] of Object.entries({ Queue: kinds["Queue"]!, LifoQueue: kinds["LifoQueue"]! })
  ) {
    for (const count of [1_000, 16_000]) {
      using arrays = countedArrays();
      const queue = new make();
      for (let n = 0; n < count; n++) queue.putNowait(n);
      if (name === "Queue") assert(arrays.accesses >= count, "they are not seen");
      // Growing copies what is there, which is a constant for each item on average.
      assert(arrays.accesses <= 12 * count, `${arrays.accesses} for ${count} puts`);
      const { accesses } = arrays;
      while (queue.tryGet() !== undefined);
      assert(arrays.accesses - accesses <= 6 * count, `${arrays.accesses} for ${count} gets`);
      assertEquals(arrays.moves, 0);
    }
  }
});

Deno.test("30: nor do gets and puts by turns at a queue that stays long", () => {
  using arrays = countedArrays();
  const queue = new Queue<number>();
  for (let n = 0; n < 10_000; n++) queue.putNowait(n);
  const { accesses } = arrays;
  for (let n = 0; n < 50_000; n++) queue.putNowait(queue.getNowait());
  assert(arrays.accesses - accesses <= 600_000, `${arrays.accesses}`);
  assertEquals(arrays.moves, 0);
});

Deno.test("30: a priority queue compares no more than twice the depth of its heap", () => {
  for (const count of [1_000, 16_000]) {
    const depth = Math.ceil(Math.log2(count));
    let compared = 0;
    const queue = new PriorityQueue<number>({ compare: (a, b) => (compared++, a - b) });
    for (let n = 0; n < count; n++) queue.putNowait((n * 7_919) % count);
    assert(compared <= depth * count, `${compared} for ${count} puts`);
    for (let n = 0; n < count; n++) {
      compared = 0;
      assertEquals(queue.getNowait(), n);
      assert(compared <= 2 * depth, `${compared} for a get`);
    }
    compared = 0;
    for (let n = count; n > 0; n--) {
      const before = compared;
      queue.putNowait(n);
      assert(compared - before <= depth + 1, `${compared - before} for a put`);
    }
  }
});

/** Heaps by rank, and by a comparator. */
const heaps: readonly (() => Storage<Entry>)[] = [
  () => new RankHeap(),
  () => new Heap((a, b) => rankOf(a) - rankOf(b)),
];

const storages: readonly (() => Storage<Entry>)[] = [
  () => new Ring<Entry>(),
  () => new Stack<Entry>(),
  ...heaps,
];

function rankOf(value: unknown): number {
  return (value as { readonly rank: number }).rank;
}

/** A priority queue in which all are equal. */
class Rankless extends PriorityQueue<object> {
  constructor(maxSize?: number) {
    super({ maxSize, priority: () => 0 });
  }
}

/** All sequences of up to `most` numbers below `limit`. */
function* sequences(most: number, limit: number): Generator<number[]> {
  for (let length = 0; length <= most; length++) {
    for (let code = 0; code < limit ** length; code++) {
      yield Array.from({ length }, (_, at) => Math.floor(code / limit ** at) % limit);
    }
  }
}

interface CountedArrays extends Disposable {
  /** How often an element of an array made by `new Array` was read or written. */
  readonly accesses: number;
  /** Calls of the methods that move elements, on any array. */
  readonly moves: number;
}

/** Counts what is done to arrays, in the place of a clock. */
function countedArrays(): CountedArrays {
  const plain = globalThis.Array;
  const movers = ["shift", "unshift", "splice", "copyWithin", "slice", "reverse"] as const;
  const methods = movers.map((name) => plain.prototype[name]);
  let accesses = 0;
  let moves = 0;
  const handler: ProxyHandler<unknown[]> = {
    get(target, key) {
      if (typeof key === "string" && key !== "length" && key !== "fill") accesses++;
      return Reflect.get(target, key);
    },
    set(target, key, value) {
      accesses++;
      return Reflect.set(target, key, value);
    },
  };
  globalThis.Array = new Proxy(plain, {
    construct: (target, given) => new Proxy(Reflect.construct(target, given), handler),
  });
  for (const [at, name] of movers.entries()) {
    Object.assign(plain.prototype, {
      [name](this: unknown[], ...given: never[]) {
        moves++;
        return (methods[at] as (...given: never[]) => unknown).apply(this, given);
      },
    });
  }
  return {
    get accesses() {
      return accesses;
    },
    get moves() {
      return moves;
    },
    [Symbol.dispose]() {
      globalThis.Array = plain;
      for (const [at, name] of movers.entries()) {
        Object.defineProperty(plain.prototype, name, {
          value: methods[at],
          configurable: true,
          enumerable: false,
          writable: true,
        });
      }
    },
  };
}
