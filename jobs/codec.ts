/**
 * How the values of a job queue become what its engine stores.
 *
 * @module
 */
import { checkFunction, show } from "../core/check.ts";

/**
 * A way to store values that somebody wrote. `kind` says what `encode` gives and `decode` is given.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { type Codec, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * const dates: Codec<Date> = {
 *   kind: "text",
 *   encode: (date) => date.toISOString(),
 *   decode: (text) => new Date(text),
 * };
 * await using reminders = await memoryJobs({ codec: dates });
 * await reminders.put(new Date(0));
 * assertEquals((await reminders.get()).value, new Date(0));
 * ```
 */
export type Codec<T> = TextCodec<T> | BytesCodec<T>;

/**
 * A {@linkcode Codec} that stores text.
 *
 * @example
 * ```ts
 * import type { TextCodec } from "@sluice/sluice/jobs";
 *
 * const hex: TextCodec<number> = {
 *   kind: "text",
 *   encode: (n) => n.toString(16),
 *   decode: (text) => parseInt(text, 16),
 * };
 * console.log(hex.encode(255));
 * ```
 */
export interface TextCodec<T> {
  /** Text. */
  readonly kind: "text";
  /** Throws if the value is none that it can store: then `put` rejects with that. */
  encode(value: T): string;
  /** Throws if this is no such text: then the job goes to the dead letters. */
  decode(text: string): T;
}

/**
 * A {@linkcode Codec} that stores bytes.
 *
 * @example
 * ```ts
 * import type { BytesCodec } from "@sluice/sluice/jobs";
 *
 * const raw: BytesCodec<Uint8Array> = { kind: "bytes", encode: (b) => b, decode: (b) => b };
 * console.log(raw.kind);
 * ```
 */
export interface BytesCodec<T> {
  /** Bytes. */
  readonly kind: "bytes";
  /** Throws if the value is none that it can store: then `put` rejects with that. */
  encode(value: T): Uint8Array;
  /** Throws if these are no such bytes: then the job goes to the dead letters. */
  decode(bytes: Uint8Array): T;
}

/** What an engine stores for a value. Only an engine that stores nothing outside is given a `value`. */
export type Payload = string | Uint8Array | { readonly clone: unknown };

/** A codec as an engine knows it: it takes and gives payloads. */
export interface PayloadCodec {
  encode(value: unknown): Payload;
  decode(payload: Payload): unknown;
}

const json: TextCodec<unknown> = {
  kind: "text",
  encode(value) {
    const text: unknown = JSON.stringify(value);
    if (typeof text === "string") return text;
    throw new TypeError(`value must be one that JSON can tell, not ${show(value)}`);
  },
  decode: (text) => JSON.parse(text),
};

/** For values that stay in this process. */
export const cloneInMemory: PayloadCodec = {
  encode: (value) => ({ clone: structuredClone(value) }),
  decode: (payload) => structuredClone((payload as { clone: unknown }).clone),
};

/**
 * The codec that was asked for: JSON if none was. `clone` is how this engine stores structured clones;
 * undefined: it cannot. Throws TypeError.
 */
export function codecOf(
  codec: "json" | "clone" | Codec<never> | undefined,
  clone: PayloadCodec | undefined,
): PayloadCodec {
  if (codec === undefined || codec === "json") return json as PayloadCodec;
  if (codec === "clone") {
    if (clone !== undefined) return clone;
    throw new TypeError(
      `codec "clone" is for engines inside the process: use "json", or a codec of your own`,
    );
  }
  const { kind, encode, decode } = Object(codec) as Partial<Codec<never>>;
  if (kind !== "text" && kind !== "bytes") {
    throw new TypeError(
      `codec must be "json", "clone" or { kind: "text" or "bytes", encode, decode }, not ${
        show(codec)
      }`,
    );
  }
  checkFunction("codec.encode", encode);
  checkFunction("codec.decode", decode);
  return checked(codec as Codec<unknown>);
}

/** Sees to it that `encode` gives what `kind` says. */
function checked(codec: Codec<unknown>): PayloadCodec {
  return {
    encode(value) {
      const payload: unknown = codec.encode(value);
      const right = codec.kind === "text"
        ? typeof payload === "string"
        : payload instanceof Uint8Array;
      if (right) return payload as Payload;
      throw new TypeError(`codec.encode must give ${codec.kind}, not ${show(payload)}`);
    },
    decode: (payload) => codec.decode(payload as never),
  };
}
