/** What a customer sends: `POST /orders`. */
export interface Order {
  /** The customer's number for it. Who sends it again means the same order. */
  readonly id: number;
  /** What is ordered. */
  readonly sku: string;
  readonly quantity: number;
}

/** What is for sale, and how many there are at first. */
export const STOCK: ReadonlyMap<string, number> = new Map([
  ["phone", 10_000_000],
  ["watch", 10_000_000],
  ["earbuds", 10_000_000],
  ["golden phone", 3],
]);

/** Throws TypeError if that is no order. */
export function parseOrder(json: unknown): Order {
  const { id, sku, quantity } = Object(json) as Record<string, unknown>;
  if (!Number.isSafeInteger(id)) throw new TypeError(`id must be an integer: ${id}`);
  if (typeof sku !== "string" || !STOCK.has(sku)) {
    throw new TypeError(`sku must be one of ${[...STOCK.keys()].join(", ")}: ${sku}`);
  }
  if (!Number.isSafeInteger(quantity) || (quantity as number) < 1) {
    throw new TypeError(`quantity must be an integer of at least 1: ${quantity}`);
  }
  return { id: id as number, sku, quantity: quantity as number };
}
