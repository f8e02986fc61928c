import { type Owner, WaitList, type WaitNode } from "../core/wait_list.ts";
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
