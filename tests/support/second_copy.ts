/** The whole module, as one copy of it. */
export type Sluice = typeof import("../../mod.ts");

/** Beside the module, the seed of its random choices. */
type Seeded = Sluice & typeof import("../../core/random.ts");

const root = new URL("../../", import.meta.url);

/**
 * Loads the module once more, as happens when two dependencies of a program want two versions. A
 * query behind its address would not do: it is not handed on to what the module imports.
 */
export async function secondCopy(): Promise<Seeded> {
  const dir = await Deno.makeTempDir({ prefix: "second-copy-" });
  try {
    await Deno.mkdir(`${dir}/core`);
    for (const folder of ["", "core/"]) {
      for await (const { name, isFile } of Deno.readDir(new URL(folder, root))) {
        if (!isFile || !name.endsWith(".ts")) continue;
        await Deno.copyFile(new URL(folder + name, root), `${dir}/${folder}${name}`);
      }
    }
    const load = (file: string) => import(new URL(`file://${dir}/${file}`).href);
    return { ...await load("mod.ts"), ...await load("core/random.ts") };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
