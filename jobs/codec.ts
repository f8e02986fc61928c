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
  /** What `encode` gives and `decode` is given. */
  readonly kind: "text" | "bytes" | "clone";
  encode(value: unknown): Payload;
  decode(payload: Payload): unknown;
}

const json: TextCodec<unknown> = {
  kind: "text",
  encode(value) {
    let text: unknown;
    try {
      text = JSON.stringify(value);
    } catch (error) {
      // A BigInt, or a circle, somewhere in it; what a toJSON of the user's throws is his.
      if (!(error instanceof TypeError)) throw error;
      throw untold(value, error);
    }
    if (typeof text === "string") return text;
    throw untold(value);
  },
  decode: (text) => JSON.parse(text),
};

function untold(value: unknown, cause?: Error): TypeError {
  const why = cause === undefined ? "" : `: ${cause.message}`;
  return new TypeError(`value must be one that JSON can tell, not ${show(value)}${why}`, { cause });
}

/** For values that stay in this process. */
export const cloneInMemory: PayloadCodec = {
  kind: "clone",
  encode: (value) => ({ clone: cloneOf(value) }),
  decode: (payload) => structuredClone((payload as { clone: unknown }).clone),
};

function cloneOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new TypeError(`value must be one that can be cloned: ${error.message}`, { cause: error });
  }
}

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

/** Sees to it that `encode` gives what `kind` says, and that nobody changes bytes that are stored. */
function checked(codec: Codec<unknown>): PayloadCodec {
  return codec.kind === "text" ? checkedText(codec) : checkedBytes(codec);
}

function checkedText(codec: TextCodec<unknown>): PayloadCodec {
  return {
    kind: "text",
    encode(value) {
      const text: unknown = codec.encode(value);
      if (typeof text !== "string") throw wrongKind("text", text);
      // Half of a surrogate pair would come back from a file or a server as another character.
      if (text.isWellFormed()) return text;
      throw new TypeError("codec.encode must give well-formed text, without half surrogate pairs");
    },
    decode: (payload) => codec.decode(payload as string),
  };
}

function checkedBytes(codec: BytesCodec<unknown>): PayloadCodec {
  return {
    kind: "bytes",
    encode(value) {
      const bytes: unknown = codec.encode(value);
      if (bytes instanceof Uint8Array) return new Uint8Array(bytes);
      throw wrongKind("bytes", bytes);
    },
    decode: (payload) => codec.decode(new Uint8Array(payload as Uint8Array)),
  };
}

function wrongKind(kind: string, payload: unknown): TypeError {
  return new TypeError(`codec.encode must give ${kind}, not ${show(payload)}`);
}
