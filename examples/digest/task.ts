import type { Context, Received } from "@sluice/sluice";

/** A file to digest. */
export interface Item {
  readonly path: string;
  /** What its digest should be, if that is known. */
  readonly expected?: string;
  /** Why there is nothing to digest. */
  readonly problem?: unknown;
}

/** What there is to do: which files to digest, and what to say about them. */
export interface Task {
  /** The files, in the order in which to report them. */
  items(ctx: Context): AsyncIterable<Item>;
  /** Whether `items` can be called once more, to count them. */
  isRepeatable(): Promise<boolean>;
  /** What to print about a file: its digest is the value, what went wrong is the error. */
  report(item: Item, digest: Received<string>): string;
  /** Says the last words. Whether all has gone well. */
  finish(): boolean;
}
