import { type Owner, WaitList, type WaitNode } from "../../core/wait_list.ts";
import type { Clock, Timer } from "../../tasks/clock.ts";
import type { Requests } from "./rate_meter.ts";

/** Those who wait for a rate limiter, and how many they want together. */
export class RequestLine extends WaitList implements Requests {
  units = 0;

  constructor(owner: Owner) {
    super(owner);
  }

  override push(node: WaitNode): void {
    super.push(node);
    this.units += node.item as number;
  }

  override remove(node: WaitNode): void {
    super.remove(node);
    this.units -= node.item as number;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let node = this.head; node !== null; node = node.next) yield node.item as number;
  }
}

/** The timer for the head of a line. */
export class Alarm {
  /** Whom it is for; null: it is not set. */
  of: WaitNode | null = null;
  #timer: Timer | undefined;

  /** With a delay of Infinity no timer is needed. */
  set(of: WaitNode, clock: Clock, delay: number, fn: () => void): void {
    this.clear();
    this.of = of;
    if (delay !== Infinity) this.#timer = clock.after(delay, fn);
  }

  clear(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.of = null;
  }
}

/** Nobody waits. */
export const nobody: Requests = { units: 0, [Symbol.iterator]: () => [].values() };

/**
 * The shortest delay, in milliseconds, after which a clock that shows `now` shows `moment` or later.
 * `moment - now` may fall short of it, since it is rounded: then a timer would be too early by so
 * little that another one of 0 ms would follow, and another.
 */
export function delayUntil(moment: number, now: number): number {
  if (moment <= now) return 0;
  let delay = moment - now;
  while (now + delay < moment) delay *= 1 + Number.EPSILON;
  return delay;
}
