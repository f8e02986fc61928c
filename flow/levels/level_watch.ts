/**
 * The level of a queue core, and who is told of its changes.
 *
 * - The level changes with each item that comes and goes. One that leaves and those that enter for it
 *   are one step.
 * - Each change is told once, in order, in a microtask after it, when nothing is half done. Those who
 *   wait for calm are woken after that, if it still is calm.
 *
 * @module
 */
import type { QueueCore } from "../../core/queue_core.ts";
import { WaitList } from "../../core/wait_list.ts";
import { type FlowLevel, Marks, type WaterMarkOptions } from "./marks.ts";

/** Told of a change. */
export type LevelChange = (level: FlowLevel, previous: FlowLevel) => void;

/** Sees to the level until it is stopped; from then on that is "normal". */
export class LevelWatch {
  /** Those who wait until it is calm. */
  readonly line: WaitList = new WaitList();
  /** How often the level has become so. */
  warnings = 0;
  overloads = 0;
  readonly #core: QueueCore;
  readonly #marks: Marks;
  readonly #onChange: LevelChange | undefined;
  readonly #unobserve: () => void;
  /** What has not been told yet, oldest first, and what was told last. */
  #untold: FlowLevel[] = [];
  #told: FlowLevel = "normal";
  #level: FlowLevel = "normal";
  #scheduled = false;
  #stopped = false;

  /** The marks have passed `checkMarks`. */
  constructor(core: QueueCore, marks: WaterMarkOptions<never>) {
    this.#core = core;
    this.#marks = new Marks(marks);
    this.#onChange = marks.onChange;
    this.#unobserve = core.observe(() => this.#look());
    this.#look();
  }

  get level(): FlowLevel {
    return this.#level;
  }

  /** Nobody has to slow down: it is normal, or whoever puts will be told that it is closed. */
  get calm(): boolean {
    return this.#core.closed || this.level === "normal";
  }

  /** Where the marks are now. */
  get marks(): Marks {
    this.#marks.follow(this.#core.capacity);
    return this.#marks;
  }

  /** Nothing more is told, not even what has happened already. */
  stop(): void {
    this.#stopped = true;
    this.#unobserve();
    this.#level = "normal";
    this.line.settleAll(undefined);
  }

  /** Runs in the middle of operations: nothing is told from here. */
  #look(): void {
    const level = this.marks.next(this.#level, this.#core.weight);
    if (level !== this.#level) {
      this.#level = level;
      if (level === "warning") this.warnings++;
      if (level === "overload") this.overloads++;
      if (this.#onChange !== undefined) this.#untold.push(level);
    } else if (!this.#core.closed || this.line.head === null) {
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    this.#scheduled = false;
    const levels = this.#untold;
    this.#untold = [];
    for (const level of levels) {
      // Whoever was told last may have stopped it.
      if (this.#stopped) return;
      this.#tellOf(level);
    }
    if (this.calm) this.line.settleAll(undefined);
  }

  #tellOf(level: FlowLevel): void {
    const previous = this.#told;
    this.#told = level;
    try {
      this.#onChange?.(level, previous);
    } catch (error) {
      reportError(error);
    }
  }
}
