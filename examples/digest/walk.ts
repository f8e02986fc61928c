import type { Context } from "@sluice/sluice";
import { until } from "./stages.ts";
import type { Item } from "./task.ts";

interface Found extends Item {
  readonly isDirectory: boolean;
}

/**
 * The regular files under `root`, sorted by the bytes of their paths, as `find -type f | sort` has
 * them. Of symbolic links only `root` itself is followed; a broken one is a problem, and so is a
 * directory that cannot be read. The rest of the tree is walked all the same.
 */
export async function* walk(root: string, ctx: Context): AsyncGenerator<Item> {
  const ahead: Found[] = [];
  try {
    const { isDirectory, isFile } = await until(ctx, Deno.stat(root));
    if (isDirectory || isFile) ahead.push({ path: root, isDirectory });
  } catch (problem) {
    ctx.throwIfDone();
    yield { path: root, problem };
  }
  // A stack and no recursion: all that is in a directory comes before what follows it.
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    if (!next.isDirectory) {
      yield next;
      continue;
    }
    try {
      for (const found of await until(ctx, read(next.path))) ahead.push(found);
    } catch (problem) {
      ctx.throwIfDone();
      yield { path: next.path, problem };
    }
  }
}

/** What is in a directory, the last first. */
async function read(directory: string): Promise<Found[]> {
  const prefix = directory.endsWith("/") ? directory : `${directory}/`;
  const entries = await Array.fromAsync(Deno.readDir(directory));
  const sorted = entries.sort((a, b) => compareBytes(sortKey(b), sortKey(a)));
  const found: Found[] = [];
  for (const { name, isDirectory, isFile, isSymlink } of sorted) {
    const path = prefix + name;
    const problem = isSymlink ? await problemOfLink(path) : undefined;
    if (isDirectory || isFile || problem !== undefined) found.push({ path, isDirectory, problem });
  }
  return found;
}

/** What a link points to may be out of our reach, but it must be there. */
async function problemOfLink(path: string): Promise<unknown> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Error("Broken symbolic link");
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    if (error instanceof Deno.errors.NotCapable) return undefined;
    return error;
  }
}

/** All paths under the directory `a` go on with a slash, so that is where it belongs: after `a-b`. */
function sortKey({ name, isDirectory }: Deno.DirEntry): string {
  return isDirectory ? `${name}/` : name;
}

/** Negative if `a` comes first when both are written in UTF-8. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates stand for the characters above all others, though not as numbers. */
function rank(codeUnit: number): number {
  const isSurrogate = codeUnit >= 0xd800 && codeUnit < 0xe000;
  return isSurrogate ? codeUnit + 0x10000 : codeUnit;
}
