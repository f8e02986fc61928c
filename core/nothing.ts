/** There is no item: no item of a user's is this. */
export const NOTHING: unique symbol = Symbol("nothing");
