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

const one: Read = () => 1;

/** For queues that weigh, rank, or both. */
export function entries(weigh: Read | undefined, rank: Read | undefined, most: number): MakeEntry {
  const rankOf = rank === undefined ? () => 0 : ranks(rank);
  const weightOf = weigh === undefined ? one : weights(weigh, most);
  return (value) => new Entry(value, weightOf(value) as number, rankOf(value));
}

function weights(weigh: Read, most: number): (value: unknown) => number {
  return (value) => {
    const weight = weigh(value);
    if (typeof weight !== "number") {
      throw new TypeError(`weigh must return a number, not ${show(weight)}`);
    }
    if (!(weight >= 0 && weight < Infinity)) {
      throw new RangeError(`weigh must return a finite number of at least 0: ${weight}`);
    }
    if (weight > most) {
      throw new RangeError(`an item must not be heavier than maxSize, ${most}: ${weight}`);
    }
    return weight;
  };
}

/** The first rank decides of which kind all are, since kinds do not compare with one another. */
function ranks(read: Read): (value: unknown) => number | bigint | string {
  let kind: string | undefined;
  return (value) => {
    const rank = read(value);
    const found = kindOf(rank);
    if (kind !== undefined && found !== kind) {
      throw new TypeError(`all priorities of a queue must be of one kind, ${kind}: ${show(rank)}`);
    }
    kind = found;
    return rank instanceof Date ? rank.getTime() : rank as number | bigint | string;
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
