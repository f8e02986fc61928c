/**
 * Prints the flag, if one is needed, that lets Deno find `@std/assert` and `@std/async`.
 *
 * Where JSR answers, or both packages are in Deno's cache, it prints nothing and the originals are
 * used. Elsewhere it prints the flag for the stand-ins in `offline/`, so that the tests need no
 * network. It asks by importing them: that takes no permission, writes nothing into the checkout,
 * and fails at once when there is no network.
 *
 * @module
 */

/** How long JSR may take to send both packages, in milliseconds. */
const patience = 5_000;

// The names are not written in the import itself, or Deno would load them before this line runs,
// and a network that swallows packets would hold it up without limit.
const originals = Promise.all(["@std/assert", "@std/async"].map((name) => import(name)));
const found = await Promise.race([
  originals.then(() => true, () => false),
  new Promise<boolean>((resolve) => setTimeout(resolve, patience, false)),
]);

if (!found) {
  console.error("JSR is out of reach: tools/offline stands in for @std/assert and @std/async.");
  // Relative, because the shell that takes this flag would split a path at its spaces.
  console.log("--import-map=tools/offline/import_map.json");
}

// A download that still hangs would keep the process alive.
Deno.exit();
