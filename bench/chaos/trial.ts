/**
 * What a trial is: something bad that is done to a queue, and what came of it.
 *
 * @module
 */
import type { Scene } from "./scene.ts";

/** One row of the table. */
export interface Trial {
  /** By which it is asked for on the command line; the same for all engines. */
  readonly name: string;
  readonly engine: string;
  /** What is done. */
  readonly what: string;
  /** After so many seconds it is given up, which is a fault. */
  readonly seconds: number;
  /** false: what goes wrong is told, and does not fail the command. */
  readonly asserted?: boolean;
  run(scene: Scene): Promise<Outcome>;
}

/** What came of it. What does not apply is left out. */
export interface Outcome {
  readonly acknowledged?: number;
  readonly lost?: number;
  readonly twice?: number;
  /** Milliseconds. */
  readonly stall?: number;
  /** What callers saw, and what else is to be told. */
  readonly saw: string;
  /** What is not as it is promised. */
  readonly faults: readonly string[];
}

/** A trial and what came of it. */
export interface Row extends Outcome {
  readonly trial: Trial;
  readonly seconds: number;
}

/** Something that is not as it should be; empty if it is. */
export function unless(right: boolean, fault: string): string[] {
  return right ? [] : [fault];
}
