import { CoreSink, CoreSource } from "./ports.ts";
import { type Sink, sinkPort, type Source, sourcePort } from "./protocol.ts";
import type { QueueCore } from "./queue_core.ts";

/** The core behind a queue, a channel or another of ours; undefined: it is none. */
export function coreOf(of: unknown): QueueCore | undefined {
  const { [sourcePort]: source, [sinkPort]: sink } = Object(of) as
    & Partial<Source<unknown>>
    & Partial<Sink<never>>;
  if (source instanceof CoreSource) return source.core;
  return sink instanceof CoreSink ? sink.core : undefined;
}
