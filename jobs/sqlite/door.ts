/**
 * Several processes before a queue that is full.
 *
 * One that frees places could fill them in the same turn, again and again, and the others would never see
 * one. So whoever waits for room for longer than a look knocks: he counts one up in the file, now and then.
 * A process that has heard another one lets those who wait wait for its next look, as the others do, and
 * lets one look pass after each at which some got in.
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
  /** Some got in since the last look. */
  #entered = false;

  /** What the file says now, and whether some got in. */
  hear(knocks: number, entered: boolean): void {
    this.#entered ||= entered;
    if (this.#knocks !== undefined && knocks !== this.#knocks) this.#shared = performance.now();
    this.#knocks = knocks;
  }

  /** Another process waits for room, too. */
  get isShared(): boolean {
    return performance.now() - this.#shared < HEEDED_FOR;
  }

  /** Whether those who wait may enter at this look. */
  look(): boolean {
    const may = !this.isShared || !this.#entered;
    this.#entered = false;
    return may;
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
