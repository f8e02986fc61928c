/**
 * Where a trial takes place: what it has started or made is gone when the scene ends, however it ends.
 *
 * @module
 */
import type { Context } from "../../mod.ts";
import { NatsServer, type NatsServerOptions } from "../../tests/support/nats_server.ts";
import { Child } from "./child.ts";
import type { Note, Role } from "./notes.ts";
import type { QueueSpec } from "./queues.ts";

/** What a trial has at hand. */
export class Scene implements AsyncDisposable {
  /** Ends when the trial has taken too long, or nobody wants to know any more. */
  readonly ctx: Context;
  readonly quick: boolean;
  readonly #things = new AsyncDisposableStack();

  constructor(ctx: Context, quick: boolean) {
    this.ctx = ctx;
    this.quick = quick;
  }

  /** A number, or a smaller one if the run is to be quick. */
  count(full: number, quick: number): number {
    return this.quick ? quick : full;
  }

  /** Ends it with the scene. */
  keep<T extends AsyncDisposable>(thing: T): T {
    return this.#things.use(thing);
  }

  /** An empty directory. */
  async directory(): Promise<string> {
    const directory = await Deno.makeTempDir({ prefix: "chaos-" });
    this.#things.defer(() => Deno.remove(directory, { recursive: true }));
    return directory;
  }

  /** A server. */
  async nats(options?: NatsServerOptions): Promise<NatsServer> {
    return this.keep(await NatsServer.start(options));
  }

  /** A queue on an engine of its own. */
  async queue(
    engine: QueueSpec["engine"],
    options: QueueSpec["options"] = {},
  ): Promise<QueueSpec> {
    if (engine === "memory") return { engine, where: "", options };
    if (engine === "sqlite") {
      return { engine, where: `${await this.directory()}/jobs.db`, options };
    }
    return natsQueue(await this.nats(), options);
  }

  /** A process. */
  child(role: Role, on?: (note: Note) => boolean): Child {
    return this.keep(new Child(role, on));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#things.disposeAsync();
  }
}

/** A queue on a server. */
export function natsQueue(
  { host }: { readonly host: string },
  options: QueueSpec["options"] = {},
): QueueSpec {
  return { engine: "nats", where: host, options };
}
