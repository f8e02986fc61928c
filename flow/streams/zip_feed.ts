/**
 * Feeds rows from several feeds, with one value of each.
 *
 * Values that can be left where they are, those of channels and queues, are asked for when all others
 * are there: so that if the others end, nothing was taken for a row that never comes. Rows that have
 * some of them come between. Besides that all are asked at once. What a row has when it is not wanted any more is kept for the next one.
 *
 * @module
 */
import { NOTHING } from "../../core/nothing.ts";
import type { Failure } from "./askers.ts";
import type { Feed, Patience, Recall, Taker } from "./feed.ts";

class Lane implements Taker<unknown> {
  readonly feed: Feed<unknown>;
  value: unknown = NOTHING;
  /** It has been asked, and has not answered. */
  asked = false;
  readonly #taken: (lane: Lane) => void;
  readonly #ended: (failure: Failure | undefined) => void;

  constructor(
    feed: Feed<unknown>,
    taken: (lane: Lane) => void,
    ended: (failure: Failure | undefined) => void,
  ) {
    this.feed = feed;
    this.#taken = taken;
    this.#ended = ended;
  }

  take(value: unknown): void {
    this.asked = false;
    this.value = value;
    this.#taken(this);
  }

  finish(): void {
    this.asked = false;
    this.#ended(undefined);
  }

  fail(error: unknown): void {
    this.asked = false;
    this.#ended({ error });
  }
}

export class ZipFeed<T extends readonly unknown[]> implements Feed<T> {
  readonly patience: Patience;
  readonly #lanes: readonly Lane[];
  /** Those that are asked first, and those that are asked when the ones before have answered. */
  readonly #steps: readonly (readonly Lane[])[];
  #taker: Taker<T> | null = null;
  /** How many have been asked, and have not answered. */
  #pending = 0;
  /** How it has ended. */
  #end: { readonly failure: Failure | undefined } | undefined;

  constructor(feeds: readonly Feed<unknown>[]) {
    this.#lanes = feeds.map((feed) =>
      new Lane(feed, () => this.#answered(), (failure) => this.#ended(failure))
    );
    const [none, some, all] = (["none", "some", "all"] as const).map((patience) =>
      this.#lanes.filter(({ feed }) => feed.patience === patience)
    ) as [Lane[], Lane[], Lane[]];
    this.#steps = [none, some, all];
    if (none.length === feeds.length) this.patience = "none";
    else this.patience = all.length === feeds.length ? "all" : "some";
    if (feeds.length === 0) this.#end = { failure: undefined };
  }

  pull(taker: Taker<T>): void {
    if (this.#end !== undefined) return tell(taker, this.#end.failure);
    this.#taker = taker;
    this.#ask();
  }

  recall(paused?: boolean): Recall {
    if (this.#taker === null) return "withdrawn";
    let all: Recall = "arriving";
    for (const lane of this.#lanes) {
      if (lane.value !== NOTHING) continue;
      const recalled = lane.asked ? lane.feed.recall(paused) : "withdrawn";
      if (lane.asked && recalled === "withdrawn") {
        lane.asked = false;
        this.#pending--;
      }
      if (all !== "withdrawn" && recalled !== "arriving") all = recalled;
    }
    if (all === "withdrawn") this.#taker = null;
    return all;
  }

  follow(): void {
    for (const { feed } of this.#lanes) feed.follow();
  }

  stop(): boolean {
    this.#end ??= { failure: undefined };
    let comes = true;
    // What one has in hand it may give when it is stopped; that may complete the row.
    for (const lane of this.#lanes) comes = (lane.feed.stop() || lane.value !== NOTHING) && comes;
    if (!comes) this.#taker = null;
    return this.#taker !== null;
  }

  /** Asks those that are next, or gives the row. */
  #ask(): void {
    for (const step of this.#steps) {
      // One that answers at once must not be the last before the others are asked.
      this.#pending++;
      for (const lane of step) {
        if (lane.value !== NOTHING || lane.asked || this.#end !== undefined) continue;
        lane.asked = true;
        this.#pending++;
        lane.feed.pull(lane);
      }
      if (--this.#pending > 0 || this.#taker === null) return;
    }
    const taker = this.#taker!;
    this.#taker = null;
    const row = this.#lanes.map(({ value }) => value);
    for (const lane of this.#lanes) lane.value = NOTHING;
    // The lanes are in the order of the types.
    taker.take(row as unknown as T);
  }

  #answered(): void {
    if (--this.#pending === 0 && this.#taker !== null) this.#ask();
  }

  #ended(failure: Failure | undefined): void {
    this.#pending--;
    const taker = this.#taker;
    // What the others still give is for nobody.
    this.#taker = null;
    if (this.#end === undefined) {
      this.#end = { failure };
      for (const lane of this.#lanes) if (lane.asked) lane.feed.recall();
      this.follow();
      this.stop();
    }
    tell(taker, failure);
  }
}

function tell(taker: Taker<never> | null, failure: Failure | undefined): void {
  if (failure === undefined) taker?.finish();
  else taker?.fail(failure.error);
}
