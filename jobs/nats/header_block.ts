/**
 * The headers of a message that is sent: made once, and cheaper than the client's.
 *
 * @module
 */
import type { MsgHdrs } from "@nats-io/transport-node";

const encoder = new TextEncoder();

/** Names, and values that hold no line break. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** What the client asks of headers when it sends them. */
class HeaderBlock {
  readonly #bytes: Uint8Array;

  constructor(lines: HeaderLines) {
    let text = "NATS/1.0\r\n";
    for (const [name, value] of lines) text += `${name}: ${value}\r\n`;
    this.#bytes = encoder.encode(`${text}\r\n`);
  }

  get size(): number {
    return this.#bytes.length;
  }

  encode(): Uint8Array {
    return this.#bytes;
  }
}

/** Headers to be sent, and how many bytes they take. */
export function headerBlock(
  lines: HeaderLines,
): { readonly headers: MsgHdrs; readonly size: number } {
  const block = new HeaderBlock(lines);
  return { headers: block as unknown as MsgHdrs, size: block.size };
}
