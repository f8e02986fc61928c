/**
 * Laws of the types. They hold if this file compiles, so `deno check` proves them and a run only
 * lists them: what stands in `unused` is never called.
 *
 * @module
 */
import {
  background,
  type BatchOptions,
  type Cancel,
  type CancelContext,
  type CanceledError,
  type Case,
  type CaseEntry,
  Channel,
  type ChannelOptions,
  ClosedError,
  type Context,
  ContextKey,
  type DeadlineExceededError,
  type Lease,
  type LifoQueue,
  PriorityQueue,
  type PriorityQueueOptions,
  Queue,
  type QueueEmpty,
  type QueueFull,
  QueueShutDown,
  type Received,
  type Receiver,
  type ReceiverIterator,
  recv,
  type RecvCase,
  select,
  type SelectOptions,
  type Sender,
  type Sink,
  type SinkPort,
  sleep,
  type Source,
  type SourcePort,
  type StreamOptions,
  type Ticker,
  type Wait,
  type WaitOptions,
  whenDone,
  withAny,
  withCancel,
  withValue,
} from "../mod.ts";
import { type Fits, type IsAny, law, type Not, type Same, unused } from "./support/laws.ts";

interface Animal {
  readonly legs: number;
}
interface Dog extends Animal {
  readonly barks: true;
}

Deno.test("types: a law that does not hold does not compile", () => {
  // @ts-expect-error: they are not the same
  law<Same<string, string | undefined>>();
  // @ts-expect-error: any is nothing but itself
  law<Same<ReturnType<typeof JSON.parse>, string>>();
  // @ts-expect-error: a string is no number
  law<Fits<string, number>>();
  // @ts-expect-error: unknown is not any
  law<IsAny<unknown>>();
  law<Same<Not<true>, false>>();
});

// ---- what is received ----

Deno.test("34: `ok` tells a value from the end, and both can be taken apart first", () => {
  unused((received: Received<string>) => {
    if (received.ok) law<Same<typeof received.value, string>>();
    else {
      law<Same<typeof received.value, undefined>>();
      law<Same<typeof received.error, unknown>>();
    }
    const { ok, value } = received;
    law<Same<typeof value, string | undefined>>();
    if (ok) law<Same<typeof value, string>>();
    else law<Same<typeof value, undefined>>();
    // @ts-expect-error: a value that was received has no error
    if (received.ok) received.error;
    // @ts-expect-error: it can be read only
    received.ok = false;
    // @ts-expect-error: nor can its value be replaced
    if (received.ok) received.value = "other";
  });
});

Deno.test("31: calls that may find nothing say so in their types", () => {
  unused((ch: Channel<string>, queue: Queue<string>) => {
    law<Same<ReturnType<typeof ch.tryReceive>, Received<string> | undefined>>();
    law<Same<ReturnType<typeof queue.tryGet>, { readonly value: string } | undefined>>();
    law<Same<ReturnType<typeof queue.getNowait>, string>>();
    const got = queue.tryGet();
    // @ts-expect-error: it may be undefined
    got.value;
    if (got) law<Same<typeof got.value, string>>();
  });
});

Deno.test("45: an item that is undefined or null is as good as any, in types too", () => {
  unused(async (ch: Channel<string | undefined>, queue: Queue<null>) => {
    await ch.send(undefined);
    const received = await ch.receive();
    if (received.ok) law<Same<typeof received.value, string | undefined>>();
    const got = queue.tryGet();
    if (got !== undefined) law<Same<typeof got.value, null>>();
  });
});

Deno.test("26, 46: iterators give the item's type, and end with undefined", () => {
  unused(async (ch: Receiver<string>, queue: Queue<number>) => {
    for await (const value of ch) law<Same<typeof value, string>>();
    for await (const item of queue) law<Same<typeof item, number>>();
    law<Same<ReturnType<typeof ch[typeof Symbol.asyncIterator]>, ReceiverIterator<string>>>();
    const result = await ch[Symbol.asyncIterator]().next();
    if (result.done) law<Same<typeof result.value, undefined>>();
    else law<Same<typeof result.value, string>>();
    // `return` is there, it need not be asked for.
    await ch[Symbol.asyncIterator]().return();
    await using iterator = queue[Symbol.asyncIterator]();
    law<Same<typeof iterator, ReceiverIterator<number>>>();
  });
});

Deno.test("48: streams have the type of the channel, and so does what is made of a source", () => {
  unused((ch: Channel<string>, numbers: AsyncIterable<number>) => {
    law<Same<ReturnType<typeof ch.toReadableStream>, ReadableStream<string>>>();
    law<Same<ReturnType<typeof ch.toWritableStream>, WritableStream<string>>>();
    const made = [Channel.from([1, 2]), Channel.from(numbers), Channel.from(new Set([1]), 3)];
    law<Same<typeof made, Channel<number>[]>>();
    const pairs = Channel.from(new Map([["a", 1]]));
    law<Same<typeof pairs, Channel<[string, number]>>>();
  });
});

// ---- one-way views and variance ----

Deno.test("variance: a channel can be handed out as one of its ends, which cannot do what the other can", () => {
  const ch = new Channel<number>(1);
  const out: Sender<number> = ch;
  const into: Receiver<number> = ch;
  law<Fits<Channel<number>, Source<number> & Sink<number>>>();
  unused(() => {
    // @ts-expect-error: nothing can be received from a sender
    out.receive();
    // @ts-expect-error: nothing can be sent to a receiver
    into.send(1);
    // @ts-expect-error: a receiver cannot close
    into.close();
    // @ts-expect-error: nor be disposed of
    into[Symbol.dispose]();
    // @ts-expect-error: nor can the one be turned into the other
    ((): Receiver<number> => out)();
    // @ts-expect-error: nor into the whole
    ((): Channel<number> => into)();
  });
});

Deno.test("variance: what gives dogs gives animals, and what takes animals takes dogs", () => {
  law<Fits<Receiver<Dog>, Receiver<Animal>>>();
  law<Fits<Source<Dog>, Source<Animal>>>();
  law<Fits<SourcePort<Dog>, SourcePort<Animal>>>();
  law<Fits<Received<Dog>, Received<Animal>>>();
  law<Fits<Lease<Dog>, Lease<Animal>>>();
  law<Fits<RecvCase<Dog>, RecvCase<Animal>>>();
  law<Fits<Receiver<never>, Receiver<string>>>();
  law<Fits<Sender<Animal>, Sender<Dog>>>();
  law<Fits<Sink<Animal>, Sink<Dog>>>();
  law<Fits<SinkPort<Animal>, SinkPort<Dog>>>();
  law<Fits<Sender<unknown>, Sender<string>>>();
  unused((dogs: Channel<Dog>, animals: Channel<Animal>) => {
    const source: Receiver<Animal> = dogs;
    const sink: Sender<Dog> = animals;
    return [source, sink];
  });
});

Deno.test("variance: and not the other way round", () => {
  law<Not<Fits<Receiver<Animal>, Receiver<Dog>>>>();
  law<Not<Fits<Source<Animal>, Source<Dog>>>>();
  law<Not<Fits<SourcePort<Animal>, SourcePort<Dog>>>>();
  law<Not<Fits<Lease<Animal>, Lease<Dog>>>>();
  law<Not<Fits<RecvCase<Animal>, RecvCase<Dog>>>>();
  law<Not<Fits<Sender<Dog>, Sender<Animal>>>>();
  law<Not<Fits<Sink<Dog>, Sink<Animal>>>>();
  law<Not<Fits<SinkPort<Dog>, SinkPort<Animal>>>>();
});

Deno.test("variance: queues and channels as a whole, and keys, are invariant", () => {
  law<Not<Fits<Channel<Dog>, Channel<Animal>>>>();
  law<Not<Fits<Channel<Animal>, Channel<Dog>>>>();
  law<Not<Fits<Queue<Dog>, Queue<Animal>>>>();
  law<Not<Fits<Queue<Animal>, Queue<Dog>>>>();
  law<Not<Fits<LifoQueue<Dog>, LifoQueue<Animal>>>>();
  law<Not<Fits<PriorityQueue<Animal>, PriorityQueue<Dog>>>>();
  law<Not<Fits<ContextKey<Dog>, ContextKey<Animal>>>>();
  law<Not<Fits<ContextKey<Animal>, ContextKey<Dog>>>>();
  law<Fits<LifoQueue<Dog> | PriorityQueue<Dog>, Queue<Dog>>>();
  // As sources and sinks they have the variance of these.
  law<Fits<Queue<Dog>, Source<Animal>>>();
  law<Fits<Queue<Animal>, Sink<Dog>>>();
  law<Not<Fits<Queue<Animal>, Source<Dog>>>>();
});

Deno.test("variance: a ticker and whenDone can be received from, and nothing else", () => {
  law<Fits<Ticker, Receiver<number> & Disposable>>();
  law<Not<Fits<Ticker, Sink<number>>>>();
  law<Same<Context["whenDone"], Receiver<never>>>();
  law<Not<Fits<Context["whenDone"], Sender<never>>>>();
});

// ---- what calls take ----

Deno.test("R15: every waiting call takes a context, a signal or options", () => {
  law<Same<Wait, Context | AbortSignal | WaitOptions>>();
  law<Same<Cancel, Context | AbortSignal>>();
  law<Fits<CancelContext, Context & Disposable>>();
  unused((ch: Channel<number>, queue: Queue<number>, ctx: Context, signal: AbortSignal) => {
    for (const wait of [ctx, signal, { ctx, signal, timeout: 1 }, {}, undefined]) {
      void ch.send(1, wait);
      void ch.receive(wait);
      void ch.take(wait);
      void ch.receiveMany(1, wait);
      void queue.put(1, wait);
      void queue.get(wait);
      void queue.getBatch(1, wait);
      void queue.lease(wait);
      void queue.join(wait);
      void sleep(1, wait);
      void select({ value: recv(ch) }, wait);
    }
    // An optional part of somebody else's options can be passed on as it is.
    const given = { ctx: undefined, signal: undefined, timeout: undefined };
    void ch.receive(given);
    void ch.receiveMany(1, { ...given, min: undefined, linger: undefined });
    void select({ value: recv(ch) }, { ...given, biased: undefined });
    withAny(ctx, signal, undefined);
    // @ts-expect-error: a bare number is no wait
    void ch.receive(100);
    // @ts-expect-error: null is none
    void ch.receive(null);
    // @ts-expect-error: a controller is no signal
    void ch.receive({ signal: new AbortController() });
    // @ts-expect-error: options have no such key
    void ch.receive({ timout: 100 });
    // @ts-expect-error: only batches fill
    void ch.receive({ min: 2 });
  });
  law<Fits<BatchOptions | SelectOptions, WaitOptions>>();
});

Deno.test("37: options are typed by their items", () => {
  unused(() => {
    new Channel<string>({ capacity: 1, onDrop: (value) => value.toUpperCase() });
    new Queue<string>({ maxSize: 1, weigh: (item) => item.length });
    new PriorityQueue<Dog>({ priority: (item) => item.legs });
    new PriorityQueue<Dog>({ compare: (a, b) => a.legs - b.legs });
    const options: ChannelOptions<number> & StreamOptions = { preventCancel: true };
    new Channel<number>(options);
    // @ts-expect-error: no such policy
    new Channel<string>({ overflow: "dropAll" });
    // @ts-expect-error: capacity is a number
    new Channel<string>({ capacity: "1" });
    // @ts-expect-error: a rank is something that can be compared
    new PriorityQueue<Dog>({ priority: (item) => ({ item }) });
    // @ts-expect-error: a plain queue has no order
    new Queue<string>({ compare: () => 0 });
    // @ts-expect-error: the state of a queue can be read only
    new Queue<string>().maxSize = 1;
  });
  law<Fits<PriorityQueueOptions<Dog>["priority"], ((item: Dog) => unknown) | undefined>>();
});

Deno.test("85: a key fixes the type of its value", () => {
  const user = new ContextKey<{ name: string }>("user");
  unused((ctx: Context) => {
    const value = withValue(ctx, user, { name: "ada" }).value(user);
    law<Same<typeof value, { name: string } | undefined>>();
    // @ts-expect-error: the value is not of the key's type
    withValue(ctx, user, "ada");
    // @ts-expect-error: a name is no key
    ctx.value("user");
  });
});

// ---- errors ----

Deno.test("122: the code of an error tells its class, and instanceof narrows", () => {
  type Ours =
    | CanceledError
    | DeadlineExceededError
    | ClosedError
    | QueueShutDown
    | QueueFull
    | QueueEmpty;
  unused((error: Ours, caught: unknown) => {
    if (error.code === "SLUICE_QUEUE_FULL") law<Same<typeof error, QueueFull>>();
    if (error.code === "SLUICE_CANCELED") law<Same<typeof error, CanceledError>>();
    if (caught instanceof ClosedError) {
      law<Same<typeof caught.value, unknown>>();
      law<Same<typeof caught.code, "SLUICE_CLOSED" | "SLUICE_QUEUE_SHUT_DOWN">>();
    }
    if (caught instanceof QueueShutDown) {
      law<Same<typeof caught.code, "SLUICE_QUEUE_SHUT_DOWN">>();
    }
  });
  law<Fits<QueueShutDown, ClosedError>>();
  law<Not<Fits<QueueFull, ClosedError>>>();
  law<Same<CanceledError["name"], "AbortError">>();
  law<Same<DeadlineExceededError["name"], "TimeoutError">>();
  law<Same<Context["err"], CanceledError | DeadlineExceededError | undefined>>();
  law<Same<Context["cause"], unknown>>();
});

// ---- no leaks ----

Deno.test("types: no `any` comes out of anything", () => {
  unused(async (ch: Channel<string>, queue: Queue<string>, ctx: CancelContext) => {
    const received = await ch.receive();
    law<Not<IsAny<typeof received.value>>>();
    if (!received.ok) law<Not<IsAny<typeof received.error>>>();
    const r = await select({ value: recv(ch), ended: whenDone(ctx) });
    law<Not<IsAny<typeof r>>>();
    law<Not<IsAny<typeof r.key>>>();
    law<Not<IsAny<typeof r.value>>>();
    law<Not<IsAny<typeof r.error>>>();
    if (r.key === "ended") law<Not<IsAny<typeof r.cause>>>();
    using lease = await queue.lease();
    law<Same<typeof lease.value, string>>();
    const batch = await queue.getBatch(2);
    law<Same<typeof batch, string[]>>();
    law<Not<IsAny<typeof ctx.cause>>>();
    law<Not<IsAny<ClosedError["value"]>>>();
    law<Not<IsAny<Parameters<typeof ch.close>[0]>>>();
    law<Not<IsAny<Parameters<typeof ctx.cancel>[0]>>>();
    law<Not<IsAny<CaseEntry[0]>>>();
    law<Not<IsAny<Case>>>();
  });
  type Members<T> = { [K in keyof T]: IsAny<T[K]> }[keyof T];
  law<Same<Members<Channel<string>>, false>>();
  law<Same<Members<Queue<string>>, false>>();
  law<Same<Members<PriorityQueue<string>>, false>>();
  law<Same<Members<Receiver<string> & Sender<string>>, false>>();
  law<Same<Members<CancelContext & Ticker>, false>>();
  law<Same<Members<Required<BatchOptions & SelectOptions & ChannelOptions<string>>>, false>>();
  type Results<T> = {
    [K in keyof T]: T[K] extends (...given: never[]) => infer R ? IsAny<R> | IsAny<Awaited<R>>
      : false;
  }[keyof T];
  law<Same<Results<Channel<string>>, false>>();
  law<Same<Results<Queue<string>>, false>>();
  law<Same<Results<CancelContext>, false>>();
});

Deno.test("types: without an argument to tell it, a channel or queue is one of unknown", () => {
  unused((ch: Channel<unknown>) => {
    const made = new Channel();
    law<Same<typeof made, Channel<unknown>>>();
    const queue = new Queue();
    law<Same<typeof queue, Queue<unknown>>>();
    const ctx = withCancel(background());
    law<Same<typeof ctx, CancelContext>>();
    return ch;
  });
});
