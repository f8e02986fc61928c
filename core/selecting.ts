/**
 * What `select`, `trySelect` and a prepared select do: one look at what is ready, which is committed
 * and that was all, or a {@linkcode Selection} that tries all cases and waits.
 *
 * @module
 */
import { receive } from "./attempts.ts";
import { AnyCase, DONE, RECV, SEND } from "./cases.ts";
import { show } from "./check.ts";
import type { Cancel, Wait } from "./contract.ts";
import { committed, done, type Outcome } from "./outcome.ts";
import {
  caseOf,
  checkEntries,
  type Entries,
  firstOf,
  keyOf,
  NONE,
  pick,
  pickToWait,
} from "./pick.ts";
import type { CaseEntry, Cases, SelectOptions } from "./select_types.ts";
import { Selection } from "./selection.ts";
import { countCall, ready, refused } from "./turn.ts";
import { enter } from "./wait.ts";

/** A record of cases, or pairs of a key and a case. */
type AnyCases = Cases | Iterable<CaseEntry>;

/** `select`. */
export function runSelect(
  cases: AnyCases,
  wait: Cancel | SelectOptions | undefined,
): Promise<Outcome> {
  countCall();
  try {
    const biased = (wait as SelectOptions | null | undefined)?.biased ?? false;
    const entries = entriesOf(cases);
    checkEntries(entries);
    if (wait !== undefined) enter(wait);
    const at = pickToWait(entries, caseOf, biased);
    const outcome = at >= 0 ? commit(keyOf(entries[at]), caseOf(entries[at])!) : undefined;
    if (outcome !== undefined) return ready(outcome);
    return run(selectionOf(entries, biased), at, wait);
  } catch (error) {
    return refused(error);
  }
}

/** `trySelect`. */
export function runTrySelect(cases: AnyCases, biased: boolean): Outcome | undefined {
  const entries = entriesOf(cases);
  const at = pick(entries, caseOf, biased);
  if (at === NONE) return undefined;
  const outcome = at >= 0 ? commit(keyOf(entries[at]), caseOf(entries[at])!) : undefined;
  return outcome ?? selectionOf(entries, biased).begin().poll();
}

/** A select that is run again and again. */
export class PreparedSelect {
  readonly #keys: readonly unknown[];
  readonly #cases: readonly AnyCase[];
  readonly #biased: boolean;
  /** The last run that had to wait, whose nodes serve the next one. */
  #selection: Selection | undefined;

  constructor(cases: AnyCases, biased: boolean) {
    const entries = entriesOf(cases);
    checkEntries(entries);
    const present = entries.filter((entry) => caseOf(entry) !== null);
    this.#keys = present.map(keyOf);
    this.#cases = present.map((entry) => caseOf(entry)!);
    this.#biased = biased;
  }

  select(wait?: Wait): Promise<Outcome> {
    countCall();
    try {
      if (wait !== undefined) enter(wait);
      const at = pickToWait(this.#cases, itself, this.#biased);
      const outcome = at >= 0 ? commit(this.#keys[at], this.#cases[at]!) : undefined;
      return outcome === undefined ? run(this.idle(), at, wait) : ready(outcome);
    } catch (error) {
      return refused(error);
    }
  }

  trySelect(): Outcome | undefined {
    const at = pick(this.#cases, itself, this.#biased);
    if (at === NONE) return undefined;
    const outcome = at >= 0 ? commit(this.#keys[at], this.#cases[at]!) : undefined;
    return outcome ?? this.idle().begin().poll();
  }

  private idle(): Selection {
    if (this.#selection === undefined || !this.#selection.idle) {
      this.#selection = new Selection(this.#keys, this.#cases, this.#biased);
    }
    return this.#selection;
  }
}

function itself(of: AnyCase): AnyCase {
  return of;
}

/** Waits, where `at` says that nothing was ready; otherwise tries all cases before. */
function run(selection: Selection, at: number, wait: Wait | undefined): Promise<Outcome> {
  const outcome = at === NONE ? undefined : selection.begin().poll(firstOf(at));
  return outcome === undefined ? selection.wait(wait) : ready(outcome);
}

/** Commits the case that was picked; undefined: it was ready, and is no more, or needs preparing. */
function commit(
  key: unknown,
  { op, core, value, scope }: AnyCase,
): Outcome | undefined {
  switch (op) {
    case RECV:
      return receive(key, core!);
    case SEND:
      return core!.offer(value) ? committed(key) : undefined;
    case DONE:
      return done(key, scope!.cause);
    default:
      return committed(key);
  }
}

/** The cases as pairs, in their order. */
function entriesOf(cases: AnyCases): Entries {
  if (Array.isArray(cases)) return cases;
  if (typeof cases !== "object" || cases === null) {
    throw new TypeError(`select needs a record or entries of cases, not ${show(cases)}`);
  }
  return isIterable(cases) ? Array.from(cases) : Object.entries(cases);
}

/** What a select that may have to wait needs; the entries are the user's, who may change them. */
function selectionOf(entries: Entries, biased: boolean): Selection {
  const cases = entries.map((entry) => caseOf(entry) ?? AnyCase.never);
  return new Selection(entries.map(keyOf), cases, biased);
}

function isIterable(cases: object): cases is Iterable<CaseEntry> {
  return typeof (cases as Partial<Iterable<CaseEntry>>)[Symbol.iterator] === "function";
}
