/**
 * Fails if a symbol that the package exports has no example. `deno doc --lint` sees to it that each has a
 * description; that the examples work is for `deno test --doc`.
 *
 * @module
 */

interface Documented {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly ExportedSymbol[] }>>;
}

interface ExportedSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] };
  }[];
}

function hasExample({ declarations }: ExportedSymbol): boolean {
  return declarations.some(({ jsDoc }) => jsDoc?.tags?.some(({ kind }) => kind === "example"));
}

const { stdout, success } = await new Deno.Command("deno", {
  args: [
    "doc",
    "--json",
    "mod.ts",
    "sync/mod.ts",
    "tasks/mod.ts",
    "flow/mod.ts",
    "jobs/mod.ts",
    "jobs/sqlite/mod.ts",
    "jobs/nats/mod.ts",
  ],
}).output();
if (!success) throw new Error("deno doc failed");
const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as Documented;
const symbols = Object.values(nodes).flatMap((node) => node.symbols);
if (symbols.length === 0) throw new Error("deno doc lists no symbols: has its output changed?");

// What one module re-exports from another is documented there.
const shown = new Set(symbols.filter(hasExample).map(({ name }) => name));
const bare = symbols.filter(({ name }) => !shown.has(name));
for (const { name } of bare) console.error(`${name} has no example`);
if (bare.length > 0) Deno.exit(1);
console.log(`${shown.size} exported symbols, each with an example`);
