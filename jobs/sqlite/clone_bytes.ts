/**
 * Structured clones as bytes, for values that leave the process.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import type { PayloadCodec } from "../codec.ts";

/** Throws a DataCloneError for what cannot be cloned. */
export const cloneInBytes: PayloadCodec = {
  kind: "bytes",
  encode: (value) => serialize(value),
  decode: (payload) => deserialize(payload as Uint8Array),
};
