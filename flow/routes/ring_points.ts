/**
 * The points of a hash ring: sorted by hash, equal hashes by the label of their node.
 *
 * @module
 */
import { hashOf } from "./string_hash.ts";

/** A node, and how many points it has. */
export interface RingNode<K> {
  readonly node: K;
  readonly label: string;
  readonly weight: number;
  readonly points: number;
}

/** Keys whose hash is at or before this one, and behind the point before, belong to its node. */
export interface Point<K> {
  readonly hash: number;
  readonly at: RingNode<K>;
}

/** The points of a node, not sorted. */
export function pointsOf<K>(at: RingNode<K>): Point<K>[] {
  return Array.from({ length: at.points }, (_, i) => ({ hash: hashOf(`${at.label}#${i}`), at }));
}

/** The order of points. */
export function byPlace<K>(a: Point<K>, b: Point<K>): number {
  if (a.hash !== b.hash) return a.hash - b.hash;
  return a.at.label < b.at.label ? -1 : Number(a.at.label > b.at.label);
}

/** Sorted points without those of one node, and with others, which are sorted, too. */
export function replaced<K>(
  points: readonly Point<K>[],
  old: RingNode<K> | undefined,
  fresh: readonly Point<K>[],
): Point<K>[] {
  const merged: Point<K>[] = [];
  let i = 0;
  for (const point of points) {
    if (point.at === old) continue;
    while (i < fresh.length && byPlace(fresh[i]!, point) < 0) merged.push(fresh[i++]!);
    merged.push(point);
  }
  while (i < fresh.length) merged.push(fresh[i++]!);
  return merged;
}
