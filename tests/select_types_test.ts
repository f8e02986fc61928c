/**
 * Laws of the types of select. They hold if this file compiles, so `deno check` proves them and a run only
 * lists them: what stands in `unused` is never called.
 *
 * @module
 */
import {
  after,
  type AfterCase,
  background,
  type Channel,
  type Context,
  type DoneCase,
  otherwise,
  type Queue,
  type Receiver,
  recv,
  type RecvCase,
  select,
  type Selected,
  type SelectedEntry,
  send,
  type Sender,
  sinkPort,
  type Source,
  type SourcePort,
  sourcePort,
  trySelect,
  whenDone,
} from "../mod.ts";
import { law, type Not, type Same, unused } from "./support/laws.ts";

class Animal {
  readonly legs: number = 4;
}
class Dog extends Animal {
  readonly barks = true;
}

Deno.test("54: the key of a result narrows the rest, and all can be taken apart first", () => {
  unused(async (words: Receiver<string>, jobs: Queue<Dog>, ctx: Context) => {
    const r = await select({
      word: recv(words),
      job: recv(jobs),
      sent: send(jobs, new Dog()),
      late: after(10),
      ended: whenDone(ctx),
      none: otherwise,
    });
    law<Same<typeof r.key, "word" | "job" | "sent" | "late" | "ended" | "none">>();
    const { key, ok, value, error } = r;
    law<Same<typeof ok, boolean>>();
    law<Same<typeof value, string | Dog | undefined>>();
    law<Same<typeof error, unknown>>();
    if (key === "sent") law<Same<typeof value, undefined>>();
    switch (r.key) {
      case "word":
        law<Same<typeof r.value, string | undefined>>();
        if (r.ok) law<Same<typeof r.value, string>>();
        else law<Same<typeof r.error, unknown>>();
        break;
      case "job":
        if (r.ok) law<Same<typeof r.value, Dog>>();
        break;
      case "ended":
        law<Same<typeof r.cause, unknown>>();
        law<Same<typeof r.ok, false>>();
        break;
      case "sent":
      case "late":
      case "none":
        law<Same<typeof r.ok, true>>();
        law<Same<typeof r.value, undefined>>();
        // @ts-expect-error: only the end of a context has a cause
        r.cause;
        break;
      default:
        r satisfies never;
    }
  });
});

Deno.test("54: a switch that forgets a case does not compile", () => {
  unused(async (words: Receiver<string>) => {
    const r = await select({ word: recv(words), late: after(10) });
    switch (r.key) {
      case "word":
        break;
      default:
        // @ts-expect-error: "late" is left
        r satisfies never;
    }
    // @ts-expect-error: there is no such case
    if (r.key === "lat") return;
  });
});

Deno.test("64: a case that may be missing is a case, and one that is missing has no outcome", () => {
  unused(async (words: Receiver<string> | null, maybe: AfterCase | undefined) => {
    const r = await select({ word: recv(words), maybe, no: null });
    law<Same<typeof r.key, "word" | "maybe">>();
    if (r.key === "word" && r.ok) law<Same<typeof r.value, string>>();
    const none = recv(null);
    law<Same<typeof none, RecvCase<unknown>>>();
    const typed = recv<string>(undefined);
    law<Same<typeof typed, RecvCase<string>>>();
  });
  type Optional = Selected<{ a?: RecvCase<string>; b: DoneCase }>;
  law<Same<Optional["key"], "a" | "b">>();
});

Deno.test("54: keys of a record are strings, also those that are written as numbers", () => {
  unused(async (words: Receiver<string>, numbers: Receiver<number>) => {
    const r = await select({ 0: recv(words), 1: recv(numbers) });
    law<Same<typeof r.key, "0" | "1">>();
    if (r.key === "1" && r.ok) law<Same<typeof r.value, number>>();
  });
});

Deno.test("54: entries give back their keys as they are, and literal ones narrow", () => {
  unused(async (words: Receiver<string>, list: Receiver<number>[]) => {
    const r = await select([["word", recv(words)], [7, after(1)], [null, whenDone(background())]]);
    law<Same<typeof r.key, "word" | 7 | null>>();
    if (r.key === "word" && r.ok) law<Same<typeof r.value, string>>();
    if (r.key === 7) law<Same<typeof r.value, undefined>>();
    if (r.key === null) law<Same<typeof r.cause, unknown>>();

    const byIndex = await select(list.map((ch, i) => [i, recv(ch)] as const));
    law<Same<typeof byIndex.key, number>>();
    if (byIndex.ok) law<Same<typeof byIndex.value, number>>();

    const byEntries = await select(list.map(recv<number>).entries());
    law<Same<typeof byEntries.key, number>>();

    const byMap = await select(new Map([[words, recv(words)]]));
    law<Same<typeof byMap.key, Receiver<string>>>();
    if (byMap.ok) law<Same<typeof byMap.value, string>>();
  });
  law<Same<SelectedEntry<readonly ["a", null]>, never>>();
  law<Same<SelectedEntry<readonly [1, AfterCase]>["key"], 1>>();
});

Deno.test("69: trySelect has the same outcomes, or undefined, and no promise", () => {
  unused((words: Receiver<string>) => {
    const record = trySelect({ word: recv(words) });
    law<Same<typeof record, Selected<{ word: RecvCase<string> }> | undefined>>();
    const entries = trySelect([["word", recv(words)]], { biased: true });
    law<Same<typeof entries, SelectedEntry<readonly ["word", RecvCase<string>]> | undefined>>();
    // @ts-expect-error: it does not wait, so nothing ends its wait
    trySelect({ word: recv(words) }, { timeout: 1 });
  });
});

Deno.test("54: what is no case does not compile", () => {
  unused((words: Channel<string>, out: Sender<string>, into: Receiver<string>) => {
    // @ts-expect-error: a channel is no case
    void select({ word: words });
    // @ts-expect-error: nor a promise
    void select({ word: words.receive() });
    // @ts-expect-error: nor a string
    void select([["word", "late"]]);
    // @ts-expect-error: nothing can be received from a sender
    recv(out);
    // @ts-expect-error: nothing can be sent to a receiver
    send(into, "a");
    // @ts-expect-error: nor to a list
    send([], "a");
    // @ts-expect-error: a time is a number
    after("10");
    // @ts-expect-error: a context is no options
    whenDone({ timeout: 1 });
  });
});

Deno.test("57: send checks its value against the sink, and does not widen it", () => {
  unused((words: Sender<string>, animals: Channel<Animal>, either: Queue<string | number>) => {
    send(words, "a");
    send(animals, new Dog());
    send(either, 1);
    send(null, 1);
    // @ts-expect-error: a number is no string
    send(words, 1);
    // @ts-expect-error: the parts of an Animal are missing
    send(animals, {});
    // @ts-expect-error: an Animal has no wings, and the value does not make it one that has
    send(animals, { legs: 4, wings: 2 });
    // @ts-expect-error: a value must be given
    send(words);
    // @ts-expect-error: the method checks as well
    void words.send(1);
    // @ts-expect-error: and the one that does not wait
    words.trySend(undefined);
    // @ts-expect-error: so do queues
    void either.put(true);
  });
});

Deno.test("R16: whoever writes a source or a sink is told what it needs", () => {
  unused((port: SourcePort<Dog>) => {
    const source = { [sourcePort]: port };
    const received = recv(source);
    law<Same<typeof received, RecvCase<Dog>>>();
    // @ts-expect-error: a port has three calls
    ((): Source<Dog> => ({ [sourcePort]: { tryTake: () => undefined } }))();
    // @ts-expect-error: the other key is that of a sink
    ((): Source<Dog> => ({ [sinkPort]: port }))();
  });
  law<Not<Same<typeof sourcePort, typeof sinkPort>>>();
});
