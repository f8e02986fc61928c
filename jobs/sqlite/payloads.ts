/**
 * What a file keeps of values: text, or bytes, each as it is.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import type { PayloadCodec } from "../codec.ts";

/** Structured clones as bytes. */
export const cloneInBytes: PayloadCodec = {
  kind: "bytes",
  encode(value) {
    try {
      return serialize(value);
    } catch (error) {
      const why = error instanceof Error ? error.message : "";
      // What a getter of the user's throws is his.
      if (!why.includes("could not be cloned")) throw error;
      throw new TypeError(`value must be one that can be cloned: ${why}`, { cause: error });
    }
  },
  decode: (payload) => deserialize(payload as Uint8Array),
};

/** A file may have what another codec has stored: text is never read as bytes, nor bytes as text. */
export function strict({ kind, encode, decode }: PayloadCodec): PayloadCodec {
  return {
    kind,
    encode,
    decode(payload) {
      const stored = typeof payload === "string" ? "text" : "bytes";
      if (stored === kind) return decode(payload);
      throw new TypeError(`another codec has stored it: it is ${stored}, and this one is ${kind}`);
    },
  };
}
