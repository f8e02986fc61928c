import type { CoreList, CoreNode } from "../../core/decider.ts";
import type { Received } from "../../core/protocol.ts";
import type { QueueCore } from "../../core/queue_core.ts";
import { receiving } from "../../core/taking.ts";
import { countCall } from "../../core/turn.ts";
import { WaitNode } from "../../core/wait_list.ts";
import type { Feed, Recall, Taker } from "./feed.ts";

/** Feeds from one of ours, which stays open when it is stopped, and has lost nothing. */
export class CoreFeed<T> implements Feed<T> {
  readonly patience = "all";
  readonly #core: QueueCore;
  /** Who has asked, and has no answer. */
  #taker: Taker<T> | null = null;
  /** Where the question waits; out of its line once it is being answered. */
  #node: CoreNode | null = null;
  /** The line that it was taken out of. */
  #left: CoreList | null = null;

  readonly #answer = (got: Received<T>): void => {
    const taker = this.#answered();
    if (got.ok) taker.take(got.value);
    else if ("error" in got) taker.fail(got.error);
    else taker.finish();
  };

  readonly #fail = (error: unknown): void => this.#answered().fail(error);

  constructor(core: QueueCore) {
    this.#core = core;
  }

  pull(taker: Taker<T>): void {
    countCall();
    this.#taker = taker;
    this.#node = null;
    let taken = this.#core.takeReady<Received<T>>(receiving);
    if (taken === undefined) {
      const node: CoreNode = this.#node = new WaitNode(receiving);
      taken = this.#core.parkTaker<Received<T>>(node, undefined);
    }
    taken.then(this.#answer, this.#fail);
  }

  recall(): Recall {
    if (this.#taker === null) return "withdrawn";
    const node = this.#node;
    if (node === null || node.list === null) return "arriving";
    this.#left = node.list;
    node.leave();
    this.#node = this.#taker = null;
    return "withdrawn";
  }

  follow(): void {
    const left = this.#left;
    this.#left = null;
    if (left !== null) this.#core.left(left);
  }

  stop(): boolean {
    return this.#taker !== null;
  }

  #answered(): Taker<T> {
    const taker = this.#taker!;
    this.#taker = this.#node = null;
    return taker;
  }
}
