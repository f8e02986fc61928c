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

class Worker implements Puller<Msg> {
  readonly #parts: NatsParts;
  readonly #inbox = createInbox();
  readonly #subject: string;
  readonly #stop: () => void;
  #most = 0;
  #jobs: Msg[] = [];
  #resolve: (jobs: readonly Msg[]) => void = () => {};
  #reject: (error: Error) => void = () => {};

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
    this.#stop();
    return Promise.resolve();
  }

  /** So many of those that are there, or the first that comes. */
  #ask(): void {
    const request = JSON.stringify({ batch: this.#most, no_wait: true, expires: EXPIRES });
    this.#parts.nc.publish(this.#subject, request, { reply: this.#inbox });
  }

  #hear(message: Msg): void {
    if (message.subject !== this.#inbox) {
      if (this.#jobs.push(message) === this.#most) this.#resolve(this.#jobs);
    } else if (this.#jobs.length > 0) {
      // The server says it itself: there are no more.
      this.#resolve(this.#jobs);
    } else {
      this.#ask();
    }
  }
}

export function open(name: string, places: Places): Promise<JobStore> {
  return openNats(`bare-${name}`, places, true, (parts) => (workers, batch, got) => {
    const crew = Array.from({ length: workers }, () => new Worker(parts));
    return Promise.resolve(pulling(crew, batch, got));
  });
}
