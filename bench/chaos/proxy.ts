/**
 * A network that can be broken: a server on loopback that hands on what it is sent to another one.
 *
 * @module
 */
import { type Cancel, sleep } from "../../mod.ts";

/** Stands between clients and a server on loopback. */
export class Proxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #ends = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #swallows = false;

  /** Listens on a free port for what is meant for this one. */
  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  /** "127.0.0.1:PORT". */
  get host(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#ends.size / 2;
  }

  /** Ends all connections, whatever is on its way. New ones are let through. */
  drop(): void {
    for (const end of this.#ends) close(end);
    this.#ends.clear();
  }

  /** Loses everything that is sent for so long, both ways, and then ends all connections. */
  async swallow(ms: number, cancel?: Cancel): Promise<void> {
    this.#swallows = true;
    try {
      await sleep(ms, cancel);
    } finally {
      this.#swallows = false;
      this.drop();
    }
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.drop();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const running: Promise<void>[] = [];
    for await (const client of this.#listener) running.push(this.#serve(client));
    await Promise.all(running);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    try {
      this.#ends.add(client);
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      if (!this.#ends.has(client)) return close(server);
      this.#ends.add(server);
      for (const end of [client, server]) end.setNoDelay(true);
      await Promise.all([this.#carry(client, server), this.#carry(server, client)]);
    } catch {
      // Nobody listens there.
      this.#ends.delete(client);
      close(client);
    }
  }

  async #carry(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const chunk = new Uint8Array(64 * 1_024);
    try {
      for (;;) {
        const count = await from.read(chunk);
        if (count === null) break;
        if (this.#swallows) continue;
        for (let at = 0; at < count;) at += await to.write(chunk.subarray(at, count));
      }
    } catch {
      // One of the two has ended.
    }
    for (const end of [from, to]) {
      this.#ends.delete(end);
      close(end);
    }
  }
}

function close(end: Deno.TcpConn): void {
  try {
    end.close();
  } catch {
    // It is closed.
  }
}
