import { DatabaseSync } from "node:sqlite";
import { type Answer, type Level, openDatabase, type Request } from "./database.ts";
import { type Order, STOCK } from "./order.ts";

/** The database, as the shop sees it. */
export class Store implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #open = new Map<number, PromiseWithResolvers<readonly Order[]>>();
  #asked = 0;
  #stopped: PromiseWithResolvers<void> | undefined;

  constructor(file: string) {
    openDatabase(file).close();
    this.#worker = new Worker(import.meta.resolve("./database.ts"), {
      type: "module",
      name: `database:${file}`,
    });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const { resolve, reject } = this.#open.get(data.id)!;
      this.#open.delete(data.id);
      if (data.error === undefined) resolve(data.known ?? []);
      else reject(new Error(`the database has not taken it: ${data.error}`));
      if (this.#open.size === 0) this.#stopped?.resolve();
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.#open.values()) {
        reject(new Error(`the database's worker has failed: ${event.message}`));
      }
      this.#open.clear();
      this.#stopped?.resolve();
    };
  }

  /**
   * Commits orders, all or nothing, and takes them off the stock if `deduct` is true. Resolves when they
   * are on the disk, with those that were there already.
   */
  commit(orders: readonly Order[], deduct: boolean): Promise<readonly Order[]> {
    return this.#ask({ orders, deduct });
  }

  /** Commits what is left of articles. */
  async setLevels(levels: readonly Level[]): Promise<void> {
    await this.#ask({ levels });
  }

  #ask(request: Omit<Request, "id">): Promise<readonly Order[]> {
    const id = this.#asked++;
    const answer = Promise.withResolvers<readonly Order[]>();
    this.#open.set(id, answer);
    this.#worker.postMessage({ ...request, id } satisfies Request);
    return answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open.size > 0) {
      this.#stopped = Promise.withResolvers();
      await this.#stopped.promise;
    }
    this.#worker.postMessage("stop");
  }
}

/** What is left of each article, as the orders have it. */
export function stockLeft(file: string): Map<string, number> {
  const left = new Map(STOCK);
  using db = new DatabaseSync(file, { readOnly: true });
  const sold = db.prepare("select sku, sum(quantity) as sold from orders group by sku").all();
  for (const { sku, sold: count } of sold as { sku: string; sold: number }[]) {
    left.set(sku, (left.get(sku) ?? 0) - count);
  }
  return left;
}
