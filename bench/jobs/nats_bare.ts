/**
 * A bare client of JetStream that does what our engine does, and nothing else: a pull is a message of its
 * own, with `no_wait` and `expires`; acknowledgements go together, and the last of them is confirmed.
 *
 * It is spared the errors that the client makes in advance for each request: our engine does without
 * them. It neither waits for room, nor keeps leases, priorities, delays or dead letters.
 *
 * @module
 */
import { createInbox, type Msg } from "@nats-io/transport-node";
import { type JobStore, type Places, type Puller, pulling } from "./contest.ts";
import { CONSUMER, type NatsParts, openNats } from "./nats_store.ts";

/** Nanoseconds until the server gives up on a pull. */
const EXPIRES = 5e9;
/** Milliseconds without another message until a batch is taken for complete. */
const QUIET = 25;

/** How many are left for the consumer after this one: the ninth part of where it is acknowledged. */
function pending({ reply }: Msg): number {
  return Number(reply!.slice(reply!.lastIndexOf(".") + 1));
}

class Worker implements Puller<Msg> {
  readonly #parts: NatsParts;
  readonly #inbox = createInbox();
  readonly #subject: string;
  readonly #stop: () => void;
  #most = 0;
  #jobs: Msg[] = [];
  #resolve: (jobs: readonly Msg[]) => void = () => {};
  #reject: (error: Error) => void = () => {};
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: NatsParts) {
    this.#parts = parts;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${parts.stream}.${CONSUMER}`;
    const subscription = parts.nc.subscribe(this.#inbox, {
      callback: (error, message) => error === null ? this.#hear(message) : this.#reject(error),
    });
    this.#stop = () => subscription.unsubscribe();
  }

  take(most: number): Promise<readonly Msg[]> {
    this.#most = most;
    this.#jobs = [];
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#ask();
    });
  }

  read(job: Msg): { n: number; text: string } {
    return JSON.parse(job.string());
  }

  async finish(jobs: readonly Msg[]): Promise<unknown> {
    const last = jobs.length - 1;
    for (let i = 0; i < last; i++) this.#parts.nc.publish(jobs[i]!.reply!, "+ACK");
    return await this.#parts.nc.request(jobs[last]!.reply!, "+ACK", { timeout: 5_000 });
  }

  end(): Promise<void> {
    clearTimeout(this.#quiet);
    this.#stop();
    return Promise.resolve();
  }

  #ask(): void {
    const request = JSON.stringify({ batch: this.#most, no_wait: true, expires: EXPIRES });
    this.#parts.nc.publish(this.#subject, request, { reply: this.#inbox });
  }

  #hear(message: Msg): void {
    // A status, not a job: nothing came.
    if (message.subject === this.#inbox) return this.#jobs.length > 0 ? this.#end() : this.#ask();
    this.#jobs.push(message);
    if (this.#jobs.length === this.#most || pending(message) === 0) return this.#end();
    if (this.#jobs.length > 1) return;
    clearTimeout(this.#quiet);
    this.#watch(1);
  }

  /** The server does not say when it sends fewer than were asked for. */
  #watch(had: number): void {
    this.#quiet = setTimeout(() => {
      const has = this.#jobs.length;
      if (has > had) this.#watch(has);
      else this.#end();
    }, QUIET);
  }

  #end(): void {
    clearTimeout(this.#quiet);
    const jobs = this.#jobs;
    this.#jobs = [];
    this.#resolve(jobs);
  }
}

export function open(name: string, places: Places): Promise<JobStore> {
  return openNats(`bare-${name}`, places, true, (parts) => (workers, batch, got) => {
    const crew = Array.from({ length: workers }, () => new Worker(parts));
    return Promise.resolve(pulling(crew, batch, got));
  });
}
