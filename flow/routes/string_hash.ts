/**
 * The hash of keys: 32 bits of FNV-1a over the UTF-8 bytes, then the finalizer of MurmurHash3, since
 * FNV alone spreads keys that differ in their last letters badly.
 *
 * It has no seed and stays the same over all versions, so that programs that know the same nodes or
 * shares agree about every key. It is no protection against keys that are chosen to collide.
 *
 * @module
 */
import { show } from "../../core/check.ts";

/** FNV's own start. Another one gives another hash, which has nothing to do with the first. */
export const BASIS = 0x811c9dc5;

const PRIME = 0x01000193;

/** A whole number from 0 up to, not including, 2^32. A number is hashed as its decimal string is. */
export function hashOf(key: string | number, basis: number = BASIS): number {
  return scatter(fnv1a(String(key), basis));
}

/** Throws a TypeError if it is neither a string nor a number. */
export function checkKey(key: unknown): asserts key is string | number {
  if (typeof key !== "string" && typeof key !== "number") {
    throw new TypeError(`key must be a string or a number, not ${show(key)}`);
  }
}

/** FNV-1a. The bytes are made here, one by one: an encoder would make a list for each key. */
export function fnv1a(text: string, basis: number = BASIS): number {
  let hash = basis;
  const add = (byte: number): void => {
    hash = Math.imul(hash ^ byte, PRIME);
  };
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      hash = Math.imul(hash ^ code, PRIME);
      continue;
    }
    // A pair of surrogates is one code point; half a pair is taken as it is.
    code = text.codePointAt(i)!;
    if (code > 0xffff) {
      i++;
      add(0xf0 | code >>> 18);
      add(0x80 | code >>> 12 & 0x3f);
    } else if (code > 0x7ff) {
      add(0xe0 | code >>> 12);
    }
    if (code > 0x7ff) add(0x80 | code >>> 6 & 0x3f);
    else add(0xc0 | code >>> 6);
    add(0x80 | code & 0x3f);
  }
  return hash >>> 0;
}

/** MurmurHash3's `fmix32`: each bit of the hash depends on all bits, and no two hashes become one. */
function scatter(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}
