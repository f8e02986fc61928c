/**
 * Random programs over the handles of one job queue.
 *
 * @module
 */
import fc from "fast-check";

/** How many handles there are, over the groups in turn. */
export const HANDLES = 3;
/** How many contexts there are that may be cancelled. */
export const SLOTS = 2;

const handle = fc.nat(HANDLES - 1);
const pick = fc.nat(7);
const slot = fc.option(fc.nat(SLOTS - 1), { nil: undefined });

const op = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("put" as const),
      handle,
      level: fc.nat(1),
      delay: fc.constantFrom(0, 0, 0, 30),
      id: fc.option(fc.nat(2), { nil: undefined, freq: 2 }),
      slot,
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      op: fc.constant("get" as const),
      handle,
      max: fc.constantFrom(undefined, undefined, 1, 2, 5),
      slot,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom("done" as const, "retry" as const, "reject" as const, "extend" as const),
      pick,
      delay: fc.constantFrom(0, 40),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("doneMany" as const), handle }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("pass" as const),
      ms: fc.constantFrom(1, 10, 30, 50, 100, 250),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("cancel" as const), slot: fc.nat(SLOTS - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("reopen" as const), handle }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("join" as const), handle, slot }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("putBack" as const, "remove" as const),
      handle,
      pick,
      slot,
    }),
  },
);

export type Op = typeof op extends fc.Arbitrary<infer O> ? O : never;

export interface Program {
  readonly capacity: number;
  readonly groups: number;
  readonly maxAttempts: number;
  readonly ops: readonly Op[];
}

export const program: fc.Arbitrary<Program> = fc.record({
  capacity: fc.constantFrom(1, 2, 4, Infinity),
  groups: fc.constantFrom(1, 1, 2),
  maxAttempts: fc.constantFrom(1, 2, 3),
  ops: fc.array(op, { minLength: 10, maxLength: 50, size: "max" }),
});
