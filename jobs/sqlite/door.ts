/**
 * Several processes before a queue that is full.
 *
 * One that frees places could fill them in the same turn, again and again, and the others would never see
 * one. So whoever waits for room for longer than a look knocks: he counts one up in the file, now and then.
 * A process that has heard another one lets those who wait wait for its next look, as the others do; which
 * of them looks first is a matter of chance.
 *
 * @module
 */

/** How often somebody who waits knocks, and how long that is heeded, in milliseconds. */
const KNOCK_EVERY = 1_000;
const HEEDED_FOR = 2_500;

export class Door {
  /** How often somebody had knocked, as far as is known; undefined: nobody has looked. */
  #knocks: number | undefined;
  #shared = -Infinity;
  #knocked = -Infinity;

  /** What the file says now. */
  hear(knocks: number): void {
    if (this.#knocks !== undefined && knocks !== this.#knocks) this.#shared = performance.now();
    this.#knocks = knocks;
  }

  /** Another process waits for room, too. */
  get isShared(): boolean {
    return performance.now() - this.#shared < HEEDED_FOR;
  }

  /** Whether to knock. */
  get isSilent(): boolean {
    return performance.now() - this.#knocked >= KNOCK_EVERY;
  }

  /** Somebody here knocks, and is not to hear himself. */
  knock(): void {
    this.#knocked = performance.now();
    if (this.#knocks !== undefined) this.#knocks++;
  }
}
