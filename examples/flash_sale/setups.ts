/** How the shop works. All else is the same: queue, water marks, database, and what is durable. */
export interface Setup {
  /** How many consumers take orders from the queue. */
  readonly consumers: number;
  /** How many orders a consumer takes at a time, and how many are in one commit, at most. */
  readonly batch: number;
  /** How many it waits for, … */
  readonly min: number;
  /** … and for how many milliseconds after the first. */
  readonly linger: number;
  /** Where a sale changes the stock: in the order's transaction, or later, in a buffer that writes behind. */
  readonly stock: "in the transaction" | "written behind";
}

export type SetupName = "first" | "tuned";

/** The two versions of the document. */
export const SETUPS: Readonly<Record<SetupName, Setup>> = {
  first: { consumers: 1, batch: 1, min: 1, linger: 0, stock: "in the transaction" },
  tuned: { consumers: 2, batch: 128, min: 64, linger: 10, stock: "written behind" },
};

/** How many orders may wait in the queue. From its high water mark, 90 % of this, they are refused. */
export const QUEUE_SIZE = 128;
