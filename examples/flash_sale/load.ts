/**
 * The customers: a steady trickle, a burst of orders, and the trickle again. Orders come by the clock, whether or not the
 * shop keeps up, and a latency counts from the time when its order was due, so that a slow shop cannot
 * hide by slowing its customers.
 *
 * It prints a line of JSON. It speaks HTTP/1.1 over plain connections, one request at a time on each:
 * `fetch` takes several times the processor time, and would measure itself.
 *
 * @module
 */
import { Queue, sleep, ticker } from "@sluice/sluice";
import { TaskGroup } from "@sluice/sluice/tasks";

/** What customers do. */
export interface Load {
  readonly port: number;
  /** The numbers of the orders; 1, 2, 3 … if left out. */
  readonly ids?: readonly number[];
  /** Orders a second in the burst, and for how many seconds. */
  readonly burstRate: number;
  readonly burstSeconds: number;
  /** Orders a second before and after it, and for how many seconds. */
  readonly calmRate: number;
  readonly calmBefore: number;
  readonly calmAfter: number;
  readonly connections: number;
}

/** What became of one order: milliseconds since the start, and the status; 0: no answer. */
export type Outcome = readonly [id: number, due: number, answered: number, status: number];

/** What customers tell when all have their answer. */
export interface Sales {
  /** When the load began, in milliseconds since 1970. */
  readonly since: number;
  readonly outcomes: readonly Outcome[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ARTICLES = ["phone", "watch", "earbuds"] as const;

/** One connection, kept alive. */
class Client implements Disposable {
  readonly #port: number;
  readonly #buffer = new Uint8Array(4096);
  #connection: Deno.TcpConn | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** The status of the answer. Throws if there is none; the next call connects again. */
  async post(path: string, body: string): Promise<number> {
    try {
      const connection = this.#connection ??= await this.#connect();
      const request = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      await write(connection, encoder.encode(request));
      return await this.#answer(connection);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  async #connect(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    connection.setNoDelay(true);
    return connection;
  }

  async #answer(connection: Deno.TcpConn): Promise<number> {
    for (let text = "";;) {
      const count = await connection.read(this.#buffer);
      if (count === null) throw new Error("the server has closed the connection");
      text += decoder.decode(this.#buffer.subarray(0, count));
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length >= end + 4 + length) return Number(text.slice(9, 12));
    }
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Sends all orders, and tells what became of each. */
export async function sendOrders(load: Load): Promise<Sales> {
  const outcomes: Outcome[] = [];
  const since = Date.now();
  const due = new Queue<{ readonly id: number; readonly at: number }>();
  const start = performance.now();
  await TaskGroup.run((group) => {
    for (let i = 0; i < load.connections; i++) {
      group.spawn(async () => {
        using client = new Client(load.port);
        for await (const { id, at } of due) {
          const sku = ARTICLES[id % ARTICLES.length];
          let status = 0;
          try {
            status = await client.post("/orders", JSON.stringify({ id, sku, quantity: 1 }));
          } catch {
            // No answer: the customer does not know whether the order was taken.
            await sleep(5);
          }
          outcomes.push([id, at - start, performance.now() - start, status]);
        }
      });
    }
    group.spawn(async () => {
      let index = 0;
      for await (const at of dueTimes(load, start)) {
        due.putNowait({ id: load.ids?.[index] ?? index + 1, at });
        index++;
      }
      due.shutdown();
    });
  });
  return { since, outcomes };
}

/** When each order is due, by `performance.now()`; each is given when its time has come. */
async function* dueTimes(load: Load, start: number): AsyncGenerator<number> {
  const phases = [
    { rate: load.calmRate, seconds: load.calmBefore },
    { rate: load.burstRate, seconds: load.burstSeconds },
    { rate: load.calmRate, seconds: load.calmAfter },
  ];
  using ticks = ticker(1);
  let begin = start;
  for (const { rate, seconds } of phases) {
    const count = Math.round(rate * seconds);
    for (let i = 0; i < count; i++) {
      const at = begin + i * 1000 / rate;
      while (performance.now() < at) await ticks.receive();
      yield at;
    }
    begin += seconds * 1000;
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await sendOrders(JSON.parse(Deno.args[0]!) as Load)));
}
