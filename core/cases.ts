/**
 * The cases of a select. What is received from or sent to is either one of our cores, on which a
 * select parks nodes of its own, or a foreign port; neither: the case is never ready.
 *
 * @module
 */
import { checkNumber, show } from "./check.ts";
import type { Cancel } from "./contract.ts";
import { CoreSink, CoreSource } from "./ports.ts";
import {
  type Sink,
  type SinkPort,
  sinkPort,
  type Source,
  type SourcePort,
  sourcePort,
} from "./protocol.ts";
import type { QueueCore } from "./queue_core.ts";
import type { Scope } from "./scope.ts";
import { scopeOf } from "./wait.ts";

export class Recv {
  readonly op = "recv";
  readonly core: QueueCore | null = null;
  readonly port: SourcePort<unknown> | null = null;

  constructor(source: Source<unknown> | null | undefined) {
    if (source === null || source === undefined) return;
    const port = source[sourcePort];
    if (port instanceof CoreSource) this.core = port.core;
    else if (port !== undefined) this.port = port;
    else throw new TypeError(`recv needs something to receive from, not ${show(source)}`);
  }
}

export class Send {
  readonly op = "send";
  readonly core: QueueCore | null = null;
  readonly port: SinkPort<unknown> | null = null;
  readonly value: unknown;

  constructor(target: Sink<never> | null | undefined, value: unknown) {
    this.value = value;
    if (target === null || target === undefined) return;
    const port = target[sinkPort] as SinkPort<unknown> | undefined;
    if (port instanceof CoreSink) this.core = port.core;
    else if (port !== undefined) this.port = port;
    else throw new TypeError(`send needs something to send to, not ${show(target)}`);
  }
}

export class After {
  readonly op = "after";
  readonly ms: number;

  constructor(ms: number) {
    checkNumber("ms", ms);
    this.ms = ms;
  }
}

export class Done {
  readonly op = "done";
  readonly scope: Scope | null;

  constructor(cancel: Cancel | null | undefined) {
    this.scope = cancel === null || cancel === undefined ? null : scopeOf(cancel, "whenDone");
  }
}

export class Default {
  readonly op = "default";
}

export type AnyCase = Recv | Send | After | Done | Default;

/** Whether `value` is a case made by this copy of the module. */
export function isCase(value: unknown): value is AnyCase {
  return value instanceof Recv || value instanceof Send || value instanceof After ||
    value instanceof Done || value instanceof Default;
}
