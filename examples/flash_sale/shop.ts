/**
 * The shop: a server that takes orders, and is told to stop by SIGTERM, or by the end of the process
 * whose number it is given. It prints a line of JSON when it listens, and one when it has ended.
 *
 *     HTTP ── water marks ── queue ──▶ consumers ── batches ──▶ commits ──▶ SQLite
 *      ▲                                   │ replies when the order is on the disk
 *      └───────────────────────────────────┘
 *
 * @module
 */
import { type Context, Queue, QueueShutDown } from "@sluice/sluice";
import { OverloadError, WaterMarks, WriteBehind } from "@sluice/sluice/flow";
import { TaskGroup } from "@sluice/sluice/tasks";
import { type Order, parseOrder } from "./order.ts";
import { QUEUE_SIZE, type Setup, type SetupName, SETUPS } from "./setups.ts";
import { stockLeft, Store } from "./store.ts";

/** How things stood at a moment. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How many orders waited. */
  readonly depth: number;
  /** How many commits there were by then. */
  readonly commits: number;
}

/** What the shop tells when it has ended. */
export interface ShopReport {
  /** Oldest first. */
  readonly samples: readonly Sample[];
  /** How often producers were told to slow down, and how often further orders were refused. */
  readonly warnings: number;
  readonly overloads: number;
}

/** An order that waits for its commit, and its customer. */
interface Ticket {
  readonly order: Order;
  readonly accepted: PromiseWithResolvers<void>;
}

/** How often the depth of the queue is looked at, in milliseconds. */
const SAMPLE_MS = 50;

class Shop {
  readonly #setup: Setup;
  readonly #store: Store;
  readonly #queue = new Queue<Ticket>({ maxSize: QUEUE_SIZE, name: "orders" });
  readonly #marks = new WaterMarks(this.#queue);
  readonly #stock: Map<string, number>;
  readonly #levels: WriteBehind<string, number>;
  readonly #consumers = new TaskGroup();
  readonly #samples: Sample[] = [];
  readonly #sampler: ReturnType<typeof setInterval>;
  #commits = 0;

  private constructor(setup: Setup, store: Store, stock: Map<string, number>) {
    this.#setup = setup;
    this.#store = store;
    this.#stock = stock;
    this.#levels = new WriteBehind((levels) => store.setLevels(levels), { linger: 50 });
    for (let i = 0; i < setup.consumers; i++) {
      // A consumer that fails is uncaught: customers must not wait for one that is no more.
      void this.#consumers.spawn((ctx) => this.#consume(ctx)).catch(reportError);
    }
    this.#sampler = setInterval(() => {
      this.#samples.push({ at: Date.now(), depth: this.#queue.size, commits: this.#commits });
    }, SAMPLE_MS);
  }

  static async open(setup: Setup, file: string): Promise<Shop> {
    const store = new Store(file);
    // The orders are what counts: the last process may have been killed before it wrote the stock.
    const stock = stockLeft(file);
    await store.setLevels([...stock]);
    return new Shop(setup, store, stock);
  }

  async answer(request: Request): Promise<Response> {
    if (request.method !== "POST" || !request.url.endsWith("/orders")) {
      return new Response("POST /orders\n", { status: 404 });
    }
    let order: Order;
    try {
      order = parseOrder(await request.json());
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 400 });
    }
    try {
      return await this.#sell(order);
    } catch (error) {
      return refusal(error);
    }
  }

  async #sell(order: Order): Promise<Response> {
    if (!this.#reserve(order)) return Response.json({ error: "sold out" }, { status: 409 });
    const ticket: Ticket = { order, accepted: Promise.withResolvers() };
    try {
      await this.#marks.submit(ticket);
      await ticket.accepted.promise;
    } catch (error) {
      this.#giveBack(order);
      throw error;
    }
    return Response.json({ order: order.id }, { status: 201 });
  }

  #reserve({ sku, quantity }: Order): boolean {
    const left = this.#stock.get(sku)! - quantity;
    if (left < 0) return false;
    this.#stock.set(sku, left);
    return true;
  }

  #giveBack({ sku, quantity }: Order): void {
    this.#stock.set(sku, this.#stock.get(sku)! + quantity);
  }

  async #consume(ctx: Context): Promise<void> {
    const { batch, min, linger } = this.#setup;
    for (;;) {
      try {
        const tickets = await this.#queue.getBatch(batch, { ctx, min, linger });
        await this.#commit(tickets);
        this.#queue.taskDone(tickets.length);
      } catch (error) {
        if (error instanceof QueueShutDown) return;
        throw error;
      }
    }
  }

  async #commit(tickets: readonly Ticket[]): Promise<void> {
    const orders = tickets.map(({ order }) => order);
    const deduct = this.#setup.stock === "in the transaction";
    this.#commits++;
    try {
      const known = await this.#store.commit(orders, deduct);
      for (const order of known) this.#giveBack(order);
      for (const { accepted } of tickets) accepted.resolve();
    } catch (error) {
      for (const { accepted } of tickets) accepted.reject(error);
    }
    if (deduct) return;
    for (const sku of new Set(orders.map(({ sku }) => sku))) {
      await this.#levels.set(sku, this.#stock.get(sku)!);
    }
  }

  report(): ShopReport {
    const { warnings, overloads } = this.#marks.stats();
    return { samples: this.#samples, warnings, overloads };
  }

  /** Finishes what was accepted. */
  async close(): Promise<void> {
    clearInterval(this.#sampler);
    this.#queue.shutdown();
    await this.#consumers.wait();
    // What was reserved for orders that were refused since may be in the table still.
    if (this.#setup.stock === "written behind") {
      for (const [sku, left] of this.#stock) await this.#levels.set(sku, left);
    }
    await this.#levels.shutdown();
    await this.#store[Symbol.asyncDispose]();
    this.#marks[Symbol.dispose]();
  }
}

/** What a customer is told whose order was not taken. */
function refusal(error: unknown): Response {
  if (error instanceof OverloadError) {
    const body = { error: error.message, waiting: error.fill };
    return Response.json(body, { status: 503, headers: { "retry-after": "1" } });
  }
  if (error instanceof QueueShutDown) {
    return Response.json({ error: "the shop is closing" }, { status: 503 });
  }
  return Response.json({ error: String(error) }, { status: 500 });
}

if (import.meta.main) {
  const [name, file, owner] = Deno.args as [SetupName, string, string?];
  const shop = await Shop.open(SETUPS[name], file);
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(JSON.stringify({ port })),
  }, (request) => shop.answer(request));
  Deno.addSignalListener("SIGTERM", () => void server.shutdown());
  // Who was killed sends no signal any more.
  const guard = setInterval(() => {
    if (owner !== undefined && Deno.ppid !== Number(owner)) void server.shutdown();
  }, 500);
  await server.finished;
  clearInterval(guard);
  await shop.close();
  console.log(JSON.stringify(shop.report()));
}
