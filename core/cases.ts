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

export const RECV = 0;
export const SEND = 1;
export const AFTER = 2;
export const DONE = 3;
export const DEFAULT = 4;

/** What a case does. */
export type Op = typeof RECV | typeof SEND | typeof AFTER | typeof DONE | typeof DEFAULT;

/** A case. All are of one shape, so that the loops over them know where everything is. */
export class AnyCase {
  readonly op: Op;
  /** Of `recv` and `send`: one of our cores, or … */
  readonly core: QueueCore | null;
  /** … a foreign port, or neither. */
  readonly port: SourcePort<unknown> | SinkPort<unknown> | null;
  /** Of `send`: the value. */
  readonly value: unknown;
  /** Of `after`: when, in milliseconds. */
  readonly ms: number;
  /** Of `done`: what ends; null: nothing does. */
  readonly scope: Scope | null;

  private constructor(
    op: Op,
    port: SourcePort<unknown> | SinkPort<unknown> | null,
    value: unknown,
    ms: number,
    scope: Scope | null,
  ) {
    const own = port instanceof CoreSource || port instanceof CoreSink;
    this.op = op;
    this.core = own ? port.core : null;
    this.port = own ? null : port;
    this.value = value;
    this.ms = ms;
    this.scope = scope;
  }

  static readonly default: AnyCase = new AnyCase(DEFAULT, null, undefined, 0, null);

  /** In the place of a case that is left out. */
  static readonly never: AnyCase = AnyCase.recv(null);

  static recv(source: Source<unknown> | null | undefined): AnyCase {
    const port = source === null || source === undefined ? null : source[sourcePort];
    if (port === undefined) {
      throw new TypeError(`recv needs something to receive from, not ${show(source)}`);
    }
    return new AnyCase(RECV, port, undefined, 0, null);
  }

  static send(target: Sink<never> | null | undefined, value: unknown): AnyCase {
    const port = target === null || target === undefined ? null : target[sinkPort];
    if (port === undefined) {
      throw new TypeError(`send needs something to send to, not ${show(target)}`);
    }
    return new AnyCase(SEND, port as SinkPort<unknown> | null, value, 0, null);
  }

  static after(ms: number): AnyCase {
    checkNumber("ms", ms);
    return new AnyCase(AFTER, null, undefined, ms, null);
  }

  static done(cancel: Cancel | null | undefined): AnyCase {
    const scope = cancel === null || cancel === undefined ? null : scopeOf(cancel, "whenDone");
    return new AnyCase(DONE, null, undefined, 0, scope);
  }
}
