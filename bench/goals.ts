/**
 * What the project aims at: how long Sluice may take, as a share of what others take on the same
 * machine in the same run.
 *
 * @module
 */
import type { WorkloadName } from "./contest.ts";

/** Upper bounds of ratios. */
export interface Goal {
  /** The plain idiom to Go on one processor. */
  readonly plain: number;
  /** The fast idiom to Go on one processor. */
  readonly fast?: number;
  /** The plain idiom to the fastest peer in JavaScript. */
  readonly peer?: number;
}

/** By workload. */
export const goals: Record<WorkloadName, Goal> = {
  W1: { plain: 1.1, fast: 0.8, peer: 0.8 },
  W2: { plain: 1.1, fast: 0.8, peer: 0.8 },
  W3: { plain: 1.7, fast: 0.5, peer: 0.7 },
  W3f: { plain: 2.2, peer: 0.5 },
  W4: { plain: 1.7, fast: 0.9, peer: 0.7 },
  W5: { plain: 0.6, fast: 0.5, peer: 0.3 },
  W5d: { plain: 0.3, fast: 0.2, peer: 0.1 },
  W6: { plain: 1, peer: 0.1 },
  W6r: { plain: 1, peer: 0.1 },
  W7: { plain: 1, peer: 0.6 },
  W8: { plain: 0.8, peer: 0.8 },
  W9: { plain: 1.5, fast: 1.3, peer: 0.7 },
};

/** Bytes. */
export const memoryGoals = { channel: 200, parked: 250, buffered: 9 } as const;
