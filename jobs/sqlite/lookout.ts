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
  readonly #look: () => void;
  readonly #wake: () => void;
  #poll: Timeout | undefined;
  #timer: Timer | undefined;
  #at = Infinity;

  /** `look` is called now and then, `wake` at the next moment. */
  constructor(clock: Clock, interval: number, look: () => void, wake: () => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#look = look;
    this.#wake = wake;
  }

  /** Somebody waits, and at that moment, if not before, there is something for him. */
  watch(at: number): void {
    if (this.#poll === undefined) this.#lookLater();
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

  /** Not quite regularly: of several processes not always the same one is to be the first. */
  #lookLater(): void {
    this.#poll = new Timeout(this.#interval * (0.75 + Math.random() / 2), () => {
      this.#lookLater();
      this.#look();
    });
  }
}
