/**
 * How queues make entries: the weight and the rank of an item are read once, when it is put, and
 * checked before anything changes.
 *
 * @module
 */
import { show } from "./check.ts";
import { Entry } from "./storage.ts";

/** Makes what is stored of an item. */
export type MakeEntry = (value: unknown) => Entry;

/** Reads one property of an item. */
export type Read = (value: unknown) => unknown;

/** For queues that weigh. */
export function weighed(weigh: Read): MakeEntry {
  const weightOf = weights(weigh);
  return (value) => new Entry(value, weightOf(value), 0);
}

/** For queues that rank, and may weigh too. `kind` tells of which kind their ranks are, if any is. */
export function ranked(
  rank: Read | undefined,
  kind: () => string | undefined,
  weigh: Read | undefined,
): MakeEntry {
  const weightOf = weigh === undefined ? undefined : weights(weigh);
  return (value) => {
    const weight = weightOf === undefined ? 1 : weightOf(value);
    if (rank === undefined) return new Entry(value, weight, 0);
    const read = rank(value);
    if (Number.isFinite(read) && kind() === "number") {
      return new Entry(value, weight, read as number, "number");
    }
    const found = kindOf(read);
    checkKind(found, kind(), read);
    const comparable = read instanceof Date ? read.getTime() : read as number | bigint | string;
    return new Entry(value, weight, comparable, found);
  };
}

/** Kinds do not compare with one another, so all ranks of a queue are of the first one's. */
export function checkKind(
  found: string | undefined,
  kind: string | undefined,
  rank: unknown,
): void {
  if (kind === undefined || found === kind) return;
  throw new TypeError(`all priorities of a queue must be of one kind, ${kind}: ${show(rank)}`);
}

function weights(weigh: Read): (value: unknown) => number {
  return (value) => {
    const weight = weigh(value);
    if (typeof weight !== "number") {
      throw new TypeError(`weigh must return a number, not ${show(weight)}`);
    }
    if (!(weight >= 0 && weight < Infinity)) {
      throw new RangeError(`weigh must return a finite number of at least 0: ${weight}`);
    }
    return weight;
  };
}

function kindOf(rank: unknown): string {
  const number = rank instanceof Date ? rank.getTime() : rank;
  switch (typeof number) {
    case "number":
      if (Number.isFinite(number)) return rank instanceof Date ? "Date" : "number";
      throw new RangeError(
        rank instanceof Date
          ? "a priority must be a valid Date"
          : `a priority must be a finite number: ${number}`,
      );
    case "bigint":
    case "string":
      return typeof number;
    default:
      throw new TypeError(
        `a priority must be a number, a bigint, a string or a Date, not ${show(rank)}: ` +
          "give the queue a `priority` or a `compare` function",
      );
  }
}
