/**
 * Where operators get their values from: one question, one answer.
 *
 * An operator asks by `pull`, and its feed answers by one call of the taker: from a microtask of its
 * own, so that a taker may run functions of the user's. A chain of operators is a chain of feeds, and a
 * value goes through all of it in one go.
 *
 * A question can be taken back. Channels and queues of ours then keep what they have; what they had
 * handed over already is still answered, so that it is not lost.
 *
 * @module
 */
/** Who has asked. One of these is called, once for each question. */
export interface Taker<in T> {
  /** A value. */
  take(value: T): void;
  /** The end. There are no more answers after it. */
  finish(): void;
  /** An error, which is the end, too. */
  fail(error: unknown): void;
}

/**
 * What became of a question that was taken back. "withdrawn": it is not answered. "arriving": it is
 * being answered, within microtasks. "stuck": it cannot be taken back, and is answered some time.
 */
export type Recall = "withdrawn" | "arriving" | "stuck";

/**
 * Whether a question that is taken back takes nothing: "all", the values stay where they are, as those of
 * channels and queues do; "some", those do, but not all that go with them; "none".
 */
export type Patience = "none" | "some" | "all";

/** Answers one question at a time. */
export interface Feed<out T> {
  readonly patience: Patience;
  /** Asks for one value. The question before this one was answered, or withdrawn. */
  pull(taker: Taker<T>): void;
  /**
   * Takes the question back, if there is one. Runs nobody's code; `follow` has to come after it.
   * If it is only `paused`, what is in hand of an answer is kept for the next question; otherwise for
   * `stop`, which has to come, too.
   */
  recall(paused?: boolean): Recall;
  /** After `recall`: those who stood behind it at the source have their turn. */
  follow(): void;
  /** After `recall`: nothing is wanted any more. True: the last question is still answered. */
  stop(): boolean;
}

/** Where our own streams keep how they are fed from. */
export const feedKey: unique symbol = Symbol("sluice.feed");
