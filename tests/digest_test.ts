/**
 * The example `digest`, as its user meets it: it runs as a program of its own here, on small trees.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { background, withCancel } from "@sluice/sluice";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { Failure } from "../examples/digest/failure.ts";
import { parseFlags } from "../examples/digest/flags.ts";
import { walk } from "../examples/digest/walk.ts";

// The Deno that runs this, where it may be run by its path.
const path = Deno.execPath();
const { state } = await Deno.permissions.query({ name: "run", command: path });
const deno = state === "granted" ? path : "deno";

Deno.test("digest prints each file as sha256sum does, in the order of the bytes of the paths", async () => {
  using tree = new Tree({
    "a/f": "inside of a",
    "a-b": "sorts before the inside of a",
    "a0": "sorts after it",
    "a/.hidden": "",
    "\u{1d4b3}": "sorts last, though not as a string of JavaScript",
    "\uffee/empty": "",
    "-n --jobs": "no flag",
    "two  spaces ": "x",
    "new\nline": "escaped",
    "back\\slash": "escaped",
    "carriage\rreturn": "escaped",
    "deep/er/and/deep/er": "bottom",
    "large": "chunk".repeat(200_000),
  });
  Deno.symlinkSync("a", `${tree.path}/link`);
  const [once, slash, single] = await Promise.all([
    digest([tree.path, "--jobs", "3"]),
    digest([`${tree.path}//`, "--jobs", "1"]),
    digest([`${tree.path}/a0`]),
  ]);
  assertEquals(once, { code: 0, stdout: tree.list(`${tree.path}/`), stderr: "" });
  assertEquals(slash, { code: 0, stdout: tree.list(`${tree.path}//`), stderr: "" });
  assertEquals(single.stdout, `${sha256("sorts after it")}  ${tree.path}/a0\n`);
});

Deno.test("what digest cannot read is one line each, the rest is done, and it exits with 1", async () => {
  using tree = new Tree({ "first": "1", "sub/last": "2", "secret": "3", "locked/file": "4" });
  Deno.symlinkSync("nowhere", `${tree.path}/broken\n`);
  const denied = `--deny-read=${tree.path}/secret,${tree.path}/locked`;
  const [some, none] = await Promise.all([
    digest([tree.path], { permissions: [denied] }),
    digest([`${tree.path}/none`]),
  ]);
  const all = tree.list(`${tree.path}/`).split(/(?<=\n)/);
  assertEquals(some.stdout, all.filter((line) => /first|last/.test(line)).join(""));
  const [link, locked, secret, ...others] = some.stderr.split("\n");
  assertEquals(link, `digest: ${JSON.stringify(`${tree.path}/broken\n`)}: Broken symbolic link`);
  assertStringIncludes(locked!, `digest: ${tree.path}/locked: `);
  assertStringIncludes(secret!, `digest: ${tree.path}/secret: `);
  assertEquals(others, [""]);
  assertEquals(some.code, 1);
  const stderr = `digest: ${tree.path}/none: No such file or directory\n`;
  assertEquals(none, { code: 1, stdout: "", stderr });
});

Deno.test("a directory that vanishes during the walk is a problem, and the walk goes on", async () => {
  using tree = new Tree({ "a": "", "b/f": "", "c": "" });
  using ctx = withCancel(background());
  const items = walk(tree.path, ctx);
  assertEquals((await items.next()).value?.path, `${tree.path}/a`);
  Deno.removeSync(`${tree.path}/b`, { recursive: true });
  const { value: gone } = await items.next();
  assertEquals(gone?.path, `${tree.path}/b`);
  assert(gone?.problem instanceof Deno.errors.NotFound);
  assertEquals((await items.next()).value?.path, `${tree.path}/c`);
  assertEquals((await items.next()).done, true);
});

Deno.test("digest --check accepts what digest printed", async () => {
  using tree = new Tree({ "a": "1", "sub/b\nc": "2", "sub/d": "3" });
  const { code, stdout, stderr } = await digest(["--check", "-"], {
    input: tree.list(`${tree.path}/`),
  });
  assertEquals(
    stdout,
    `${tree.path}/a: OK\n\\${tree.path}/sub/b\\nc: OK\n${tree.path}/sub/d: OK\n`,
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("digest --check tells what differs, is missing or malformed, and exits with 1", async () => {
  using tree = new Tree({ "same": "1", "changed": "2" });
  const path = `${tree.path}/list`;
  Deno.writeTextFileSync(
    path,
    `# a comment

${sha256("1").toUpperCase()} *${tree.path}/same
SHA256 (${tree.path}/same) = ${sha256("1")}
${sha256("1")}  ${tree.path}/changed\r
${sha256("1")}  ${tree.path}/missing
this is no digest
\\${sha256("1")}  no\\escape
`,
  );
  const [mixed, empty, missing] = await Promise.all([
    digest(["--check", path]),
    digest(["--check", `${tree.path}/same`]),
    digest(["--check", `${tree.path}/missing`]),
  ]);
  assertEquals(mixed, {
    code: 1,
    stdout: `${tree.path}/same: OK
${tree.path}/same: OK
${tree.path}/changed: FAILED
${tree.path}/missing: FAILED open or read
`,
    stderr: `digest: ${tree.path}/missing: No such file or directory
digest: WARNING: 2 lines are improperly formatted
digest: WARNING: 1 listed file could not be read
digest: WARNING: 1 computed checksum did NOT match
`,
  });
  assertEquals(empty, {
    code: 1,
    stdout: "",
    stderr: `digest: ${tree.path}/same: no properly formatted checksum lines found\n`,
  });
  assertEquals(missing, {
    code: 1,
    stdout: "",
    stderr: `digest: ${tree.path}/missing: No such file or directory\n`,
  });
});

Deno.test("digest refuses flags that are wrong, and shows the usage", async () => {
  const wrong = [
    "--unknown",
    "--jobs",
    "--jobs 0",
    "--jobs x",
    "--jobs=",
    "--jobs 1.5",
    "--jobs=-1",
    "--timeout -1",
    "--timeout=-1",
    "--timeout soon",
    "--check",
    "--check list directory",
    "--help=yes",
    "one two",
  ];
  for (const flags of wrong) {
    const failure = assertThrows(
      () => parseFlags(flags.split(" ")),
      Failure,
      "Usage: digest",
      flags,
    );
    assertEquals(failure.exitCode, 2, flags);
  }
  const { code, stdout, stderr } = await digest(["--jobs", "none"]);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  assertMatch(stderr, /^digest: --jobs must be .*\nUsage: digest /);
});

Deno.test("digest takes flags before and after the directory, and has a default for each", () => {
  assertEquals(parseFlags(["--timeout", "5", "--jobs=2", "--", "-dir"]), {
    help: false,
    jobs: 2,
    timeout: 5,
    root: "-dir",
    list: undefined,
  });
  assertEquals(parseFlags(["dir", "--jobs", "3"]).jobs, 3);
  const { jobs, timeout, root } = parseFlags([]);
  assertEquals([jobs, timeout], [navigator.hardwareConcurrency, Infinity]);
  assert(Deno.statSync(`${root}/examples/digest.ts`).isFile);
});

Deno.test("digest --help prints the help", async () => {
  const { code, stdout, stderr } = await digest(["--help"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  for (const flag of ["--jobs", "--timeout", "--check"]) assertStringIncludes(stdout, flag);
});

Deno.test("SIGINT ends digest with 130 in the middle of a file, and it says how far it came", async () => {
  using tree = new Tree({ "a": "1" });
  tree.addEndless("b");
  const child = start([tree.path]);
  const lines = child.stdout.getReader();
  const { value } = await lines.read();
  assertEquals(new TextDecoder().decode(value), `${sha256("1")}  ${tree.path}/a\n`);
  child.kill("SIGINT");
  assertEquals((await lines.read()).done, true);
  // The signal may arrive before the news that the first line is written.
  assertMatch(await text(child.stderr), /^digest: interrupted after (1 file|0 files) \(.*B\)\n$/);
  assertEquals((await child.status).code, 130);
});

Deno.test("digest --timeout ends it with 124", async () => {
  using tree = new Tree({});
  tree.addEndless("a");
  const { code, stdout, stderr } = await digest([tree.path, "--timeout", "20"]);
  assertEquals({ code, stdout }, { code: 124, stdout: "" });
  assertMatch(stderr, /^digest: timed out after 0 files \(.*B\)\n$/);
});

Deno.test("digest ends in silence when nobody reads its output", async () => {
  using tree = new Tree({ "a": "1" });
  tree.addEndless("b");
  const child = start([tree.path]);
  await child.stdout.cancel();
  assertEquals(await text(child.stderr), "");
  assertEquals((await child.status).code, 141);
});

/** A directory with these files, until it is disposed. */
class Tree implements Disposable {
  readonly path = Deno.makeTempDirSync();
  readonly #files: Readonly<Record<string, string>>;

  constructor(files: Readonly<Record<string, string>>) {
    this.#files = files;
    for (const [path, content] of Object.entries(files)) {
      Deno.mkdirSync(`${this.path}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${this.path}/${path}`, content);
    }
  }

  /** Adds a file of zeros that takes hours to read, and no room on the disk. */
  addEndless(path: string): void {
    using file = Deno.openSync(`${this.path}/${path}`, { write: true, createNew: true });
    file.truncateSync(2 ** 42);
  }

  /** What `sha256sum` would print, if the paths begin with `prefix`. */
  list(prefix: string): string {
    const paths = Object.keys(this.#files).map((path) => Buffer.from(path)).sort(Buffer.compare);
    const lines = paths.map(String).map((path) => {
      const name = prefix + path;
      const escaped = name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
      const mark = escaped === name ? "" : "\\";
      return `${mark}${sha256(this.#files[path]!)}  ${escaped}\n`;
    });
    return lines.join("");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

interface Given {
  readonly permissions?: readonly string[];
  /** What comes by standard input; none if left out. */
  readonly input?: string;
}

function start(args: readonly string[], { permissions = [], input }: Given = {}) {
  const repository = `${import.meta.dirname}/..`;
  return new Deno.Command(deno, {
    args: [
      ...["run", "--quiet", "--no-prompt", "--allow-read", ...permissions],
      ...["--config", `${repository}/deno.json`, `${repository}/examples/digest.ts`, ...args],
    ],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function digest(args: readonly string[], given: Given = {}) {
  const child = start(args, given);
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  if (given.input !== undefined) await new Blob([given.input]).stream().pipeTo(child.stdin);
  return { code: (await child.status).code, stdout: await stdout, stderr: await stderr };
}

function text(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return new Response(stream).text();
}
