/**
 * What wakes those who wait: a look at what other processes did, now and then, and a timer for the next
 * moment. Neither is there while nobody waits.
 *
 * @module
 */
import { Timeout } from "../../core/timeout.ts";
import type { Clock, Timer } from "../../tasks/clock.ts";

export class Lookout {
  readonly #clock: Clock;
  readonly #interval: number;
  /** Whether somebody else has done something. */
  readonly #changed: () => boolean;
  readonly #wake: () => void;
  #poll: Timeout | undefined;
  #timer: Timer | undefined;
  #at = Infinity;

  constructor(clock: Clock, interval: number, changed: () => boolean, wake: () => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#changed = changed;
    this.#wake = wake;
  }

  /** Somebody waits, and at that moment, if not before, there is something for him. */
  watch(at: number): void {
    this.#poll ??= new Timeout(this.#interval, () => this.#look());
    if (at === this.#at) return;
    this.#timer?.stop();
    this.#at = at;
    this.#timer = at === Infinity ? undefined : this.#clock.after(at - this.#clock.now(), () => {
      this.#at = Infinity;
      this.#wake();
    });
  }

  /** Nobody waits. */
  rest(): void {
    this.#poll?.stop();
    this.#timer?.stop();
    this.#poll = this.#timer = undefined;
    this.#at = Infinity;
  }

  #look(): void {
    this.#poll = new Timeout(this.#interval, () => this.#look());
    if (this.#changed()) this.#wake();
  }
}
