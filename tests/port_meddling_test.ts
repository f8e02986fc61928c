import { assertEquals } from "@std/assert";
import {
  background,
  type Case,
  Channel,
  Queue,
  recv,
  select,
  send,
  whenDone,
  withCancel,
} from "../mod.ts";
import { ForeignSelect, taking } from "./support/foreign_select.ts";
import { lines } from "./support/lines.ts";
import { secondCopy } from "./support/second_copy.ts";
import { state } from "./support/settle.ts";

// While a select attempts to send to another copy's queue, that queue's `weigh` runs. What it does to
// the other cases of the same select finds the select busy; the attempt fails, and then the select
// must not have missed it.

const theirs = await secondCopy();
const nobody = { takers: 0, putters: 0 };

/** One other case, what `weigh` does to it, and how the select is to end. */
interface Meddling {
  readonly it: Case;
  readonly wait?: AbortSignal;
  meddle(): unknown;
  readonly expected: unknown;
}

const meddlings: Readonly<Record<string, () => Meddling | Promise<Meddling>>> = {
  "sends to it": () => {
    const ch = new Channel<string>();
    return { it: recv(ch), meddle: () => void ch.send("x"), expected: got("x") };
  },
  "sends to it by a select": () => {
    const ch = new Channel<string>();
    const meddle = () => void select({ s: send(ch, "x"), n: recv<string>(null) });
    return { it: recv(ch), meddle, expected: got("x") };
  },
  "sends to it, past a foreign waiter that declines": () => {
    const ch = new Channel<string>();
    new ForeignSelect(taking(ch)).declines = true;
    return { it: recv(ch), meddle: () => void ch.send("x"), expected: got("x") };
  },
  "puts into its buffer": () => {
    const ch = new Channel<string>(1);
    return { it: recv(ch), meddle: () => void ch.send("x"), expected: got("x") };
  },
  "requeues a job": async () => {
    const q = new Queue<string>();
    q.tryPut("x");
    const lease = await q.lease();
    return { it: recv(q), meddle: () => lease.requeue(), expected: got("x") };
  },
  "aborts the batch before it": () => {
    const ch = new Channel<string>(5);
    ch.trySend("x");
    const controller = new AbortController();
    const batch = ch.receiveMany(3, { min: 3, signal: controller.signal });
    batch.catch(() => {});
    return { it: recv(ch), meddle: () => controller.abort(), expected: got("x") };
  },
  "receives from it": () => {
    const ch = new Channel<string>();
    return { it: send(ch, "y"), meddle: () => void ch.receive(), expected: got(undefined) };
  },
  "receives from it by a select": () => {
    const ch = new Channel<string>();
    const meddle = () => void select({ r: recv(ch), n: recv<string>(null) });
    return { it: send(ch, "y"), meddle, expected: got(undefined) };
  },
  "makes room for it": () => {
    const ch = new Channel<string>(1);
    ch.trySend("full");
    return { it: send(ch, "y"), meddle: () => ch.tryReceive(), expected: got(undefined) };
  },
  "closes its source": () => {
    const ch = new Channel<string>();
    const expected = { key: "it", ok: false, value: undefined };
    return { it: recv(ch), meddle: () => ch[Symbol.dispose](), expected };
  },
  "closes its sink": () => {
    const ch = new Channel<string>();
    return { it: send(ch, "y"), meddle: () => ch[Symbol.dispose](), expected: "ClosedError" };
  },
  "ends its context": () => {
    const ctx = withCancel(background());
    const expected = { key: "it", ok: false, value: undefined, cause: "over" };
    return { it: whenDone(ctx), meddle: () => ctx.cancel("over"), expected };
  },
  "ends the select": () => {
    const controller = new AbortController();
    const meddle = () => controller.abort(new DOMException("over", "AbortError"));
    const it = recv(new Channel<string>());
    return { it, wait: controller.signal, meddle, expected: "AbortError" };
  },
};

for (const [name, make] of Object.entries(meddlings)) {
  Deno.test(`118, R16: what happens in an attempt is not missed: \`weigh\` ${name}`, async () => {
    const { it, wait, meddle, expected } = await make();
    let waiting: Promise<unknown> | undefined;
    const q = new theirs.Queue<number>({
      maxSize: 3,
      weigh(n) {
        // Only once, in the attempt after it has parked.
        if (n === 2 && waiting !== undefined) {
          waiting = undefined;
          meddle();
        }
        return n;
      },
    });
    for (let n = 0; n < 3; n++) q.tryPut(1);
    const selected = waiting = select({ sent: send(q, 2), it }, wait)
      .catch((error) => error.name);
    // The select is woken, and weighs; but 2 do not fit yet.
    q.tryGet();
    assertEquals(await state(selected), "fulfilled");
    assertEquals(await selected, expected);
    assertEquals([lines(q), q.size], [nobody, 2]);
  });
}

function got(value: unknown): unknown {
  return { key: "it", ok: true, value };
}
