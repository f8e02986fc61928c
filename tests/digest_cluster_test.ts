/**
 * The example `digest_cluster`, as its user meets it: its processes run here as programs of their own, and
 * are killed.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { background, sleep, withCancel } from "@sluice/sluice";
import { consume } from "@sluice/sluice/jobs";
import { Failure } from "../examples/digest/failure.ts";
import { parseAddress, permissionsFor } from "../examples/digest_cluster/address.ts";
import { Collector } from "../examples/digest_cluster/collector.ts";
import { parseFlags } from "../examples/digest_cluster/flags.ts";
import { openQueues } from "../examples/digest_cluster/queues.ts";
import { NatsServer } from "./support/nats_server.ts";

const ODD = {
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
  ["long".repeat(60)]: "a path that is longer than an id may be",
  "large": "chunk".repeat(200_000),
};

Deno.test("a cluster in memory prints the list of sha256sum", async () => {
  using tree = new Tree(ODD);
  const { code, stdout, stderr } = await cluster([tree.path]);
  assertEquals([code, stdout], [0, await tree.list()], stderr);
  assertMatch(
    stderr,
    /^cluster: 14 files \(1\.0 MB\) in .* by 1 worker: 0 handed out again, 0 done/,
  );
});

for (const engine of ["sqlite", "nats"] as const) {
  Deno.test(`153, 173 (${engine}): the workers that a cluster starts make the list of sha256sum`, async () => {
    using tree = new Tree(ODD);
    await using place = await Place.on(engine);
    const first = await cluster([tree.path, ...place.flags, "--spawn", "2", "--jobs", "2"], place);
    assertEquals([first.code, first.stdout], [0, await tree.list()], first.stderr);
    assertMatch(first.stderr, /cluster: 14 files \(1\.0 MB\) in .* by [12] workers?: /);
    // The queues are there already, and what the first list has left in them is in nobody's way.
    tree.write("a0", "changed");
    const second = await cluster([tree.path, ...place.flags, "--spawn", "1"], place);
    assertEquals([second.code, second.stdout], [0, await tree.list()], second.stderr);
    const other = await cluster(["--work", "--queue", place.queue, "--lease", "777"], place);
    assertEquals(other.code, 1);
    assertMatch(other.stderr, /^cluster: .*leaseTime.*777.*\n$/);
  });

  Deno.test(`153, 171 (${engine}): one worker is killed with kill -9, one by SIGTERM, and the list is right`, async () => {
    using tree = new Tree({ a: "1", b: "2", c: "3", x: "4", y: "5", z: "6" });
    tree.addZeros("m", 2 ** 42);
    await using place = await Place.on(engine);
    await using collector = place.start([tree.path]);
    const worker = ["--work", "--jobs", "1", "--verbose"];
    await using killed = place.start(worker);
    // It takes hours to read, so its worker holds it now.
    await killed.says(`begins ${tree.path}/m, attempt 1`);
    killed.kill("SIGKILL");
    tree.addZeros("m", 300_000);
    await using drained = place.start(worker);
    await drained.says(" begins ");
    drained.kill("SIGTERM");
    const { code, stderr } = await drained.end();
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /worker \S+ has done \d+ files? \(/);
    await using last = place.start(worker);
    const list = await collector.end();
    assertEquals([list.code, list.stdout], [0, await tree.list()], list.stderr);
    assertMatch(
      list.stderr,
      /cluster: 7 files .* by [23] workers: [1-9]\d* handed out again, /,
    );
    last.kill("SIGTERM");
    assertEquals((await last.end()).code, 0);
  });

  Deno.test(`153, 158 (${engine}): the collector is killed too, and the next goes on where it was`, async () => {
    using tree = new Tree({ a: "1", b: "2", c: "3", x: "4", y: "5", z: "6" });
    tree.addZeros("m", 2 ** 42);
    await using place = await Place.on(engine);
    await using collector = place.start([tree.path]);
    const worker = ["--work", "--jobs", "1", "--verbose"];
    await using first = place.start(worker, [`--deny-read=${tree.path}/c`]);
    await first.says(`begins ${tree.path}/m, attempt 1`);
    collector.kill("SIGKILL");
    first.kill("SIGKILL");
    tree.addZeros("m", 300_000);
    // Its digest is there; it must not be believed any more.
    tree.write("b", "changed");
    await using second = place.start(worker);
    const { code, stdout, stderr } = await cluster([tree.path, ...place.flags], place);
    assertEquals([code, stdout], [0, await tree.list()], stderr);
    // The digest of a is that of the first worker; what it could not read has another chance.
    assertMatch(stderr, /cluster: 7 files .* by 2 workers: /);
    second.kill("SIGTERM");
    const { stderr: told } = await second.end();
    assert(!/begins \S+\/a,/.test(told), told);
    assertMatch(told, /begins \S+\/b,/);
    assertMatch(told, /begins \S+\/c,/);
  });

  Deno.test(`159, 166 (${engine}): what cannot be read is told in the end, and the rest is done`, async () => {
    using tree = new Tree({ first: "1", secret: "2", "sub/last": "3" });
    Deno.symlinkSync("nowhere", `${tree.path}/broken`);
    await using place = await Place.on(engine);
    const denied = [`--deny-read=${tree.path}/secret`];
    await using worker = place.start(["--work"], denied);
    const args = [tree.path, ...place.flags];
    const { code, stdout, stderr } = await cluster(args, place);
    assertEquals(code, 1);
    assertEquals(stdout, (await tree.list()).replace(/.*secret\n/, ""));
    const [broken, secret, summary, ...others] = stderr.split("\n");
    assertEquals(broken, `cluster: ${tree.path}/broken: Broken symbolic link`);
    assertStringIncludes(secret!, `cluster: ${tree.path}/secret: Requires read access`);
    assertMatch(summary!, /^cluster: 2 files .* by 1 worker: .* 1 dead letter$/);
    assertEquals(others, [""]);
    worker.kill("SIGTERM");
    await worker.end();
    // It is readable for this one: an old letter does not count.
    await using other = place.start(["--work", "--until-eof"]);
    const again = await cluster(args, place);
    assertEquals([again.code, again.stdout], [1, await tree.list()], again.stderr);
    await other.endInput();
    assertEquals((await other.end()).code, 0);
  });
}

Deno.test("a collector is misled by nothing that another list has left, and puts again what was lost", async () => {
  using tree = new Tree({ a: "1", b: "2" });
  using ctx = withCancel(background());
  await using queues = await openQueues({ address: { kind: "memory" }, name: "x", lease: 5_000 });
  const { files, digests } = queues;
  const [a, b] = [`${tree.path}/a`, `${tree.path}/b`];
  const result = { bytes: 1, modified: 0, worker: "w", attempt: 1 };
  await digests.put({ ...result, run: "old", path: a, digest: "stale" });
  await files.put({ run: "old", path: a });
  const collector = new Collector({ id: "new", root: tree.path }, queues);
  const seen: string[] = [];
  const collecting = collector.collect([{ path: a }, { path: b }], false, ctx);
  while ((await files.stats()).unfinished < 2) await sleep(1);
  const working = consume(files, async ({ value: { run, path } }) => {
    seen.push(`${run} ${path}`);
    // The digest of b is lost the first time, and comes twice the second time.
    const times = path === a ? 1 : [0, 0, 2][seen.filter((line) => line.endsWith("b")).length]!;
    for (let n = 0; n < times; n++) await digests.put({ ...result, run, path, digest: "fresh" });
    await digests.put({ ...result, run: "old", path, digest: "stale" });
  }, { concurrency: 1, signals: [], ctx });
  await collecting;
  assertEquals(seen, [`new ${a}`, `new ${b}`, `new ${b}`]);
  for (const path of [a, b]) {
    const outcome = collector.outcome(path);
    assert(typeof outcome !== "string" && outcome.digest === "fresh");
  }
  assertMatch(
    collector.figures.summary(2, 2),
    /by 1 worker: 0 handed out again, 1 done twice, 0 dead/,
  );
  assertEquals((await digests.stats()).unfinished, 3);
  await collector.finish(ctx);
  assertEquals((await digests.stats()).unfinished, 0);
  await queues[Symbol.asyncDispose]();
  await working;
});

Deno.test("158: one list is made by a queue at a time; an interrupted one is gone on with at once", async () => {
  using tree = new Tree({ a: "1", b: "2" });
  await using place = await Place.on("sqlite");
  await using collector = place.start([tree.path, "--verbose"]);
  await collector.says("begins, of");
  const second = await cluster([tree.path, ...place.flags], place);
  assertEquals([second.code, second.stdout], [1, ""]);
  assertMatch(
    second.stderr,
    /\ncluster: somebody makes a list by this queue: wait for its end, or give a --name\n$/,
  );
  collector.kill("SIGINT");
  const { code, stderr } = await collector.end();
  assertEquals(code, 130);
  assertMatch(stderr, /cluster: interrupted\n$/);
  // Another directory: the old list is given up, with all that is in the queue.
  using other = new Tree({ c: "3" });
  const { code: done, stdout, stderr: said } = await cluster(
    [other.path, ...place.flags, "--spawn", "1"],
    place,
  );
  assertEquals([done, stdout], [0, await other.list()], said);
  assertMatch(said, /cluster: 1 file .* by 1 worker: /);
});

Deno.test("a cluster says in one line what is wrong with its queue, and exits with 1", async () => {
  using tree = new Tree({ a: "1", text: "no database ".repeat(1_000) });
  await using server = await NatsServer.start({ user: "ada", password: "secret" });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr as Deno.NetAddr;
  closed.close();
  const collect = [tree.path];
  const work = ["--work"];
  const queues: [string[], string, RegExp][] = [
    [collect, `nats://127.0.0.1:${port}`, /^cluster: no NATS server answers at .*\n$/],
    [collect, `nats://ada:wrong@${server.host}`, /^cluster: .*credentials.*\n$/],
    [work, `nats://${server.host}`, /^cluster: .*credentials.*\n$/],
    [work, `sqlite:${tree.path}/none/jobs.db`, /^cluster: .*none\/jobs\.db.*\n$/],
    [collect, `sqlite:${tree.path}/text`, /^cluster: .*\/text.*\n$/],
  ];
  await Promise.all(queues.map(async ([role, queue, message]) => {
    const permissions = permissionsFor(parseAddress(queue));
    const { code, stdout, stderr } = await cluster([...role, "--queue", queue], { permissions });
    assertEquals([code, stdout], [1, ""], stderr);
    assertMatch(stderr, message);
  }));
  const right = await cluster(
    [tree.path, "--queue", `nats://ada:secret@${server.host}`, "--spawn", "1"],
    { permissions: [`--allow-net=${server.host}`, "--allow-run=deno"] },
  );
  assertEquals([right.code, right.stdout], [0, await tree.list()], right.stderr);
});

Deno.test("a cluster without its directory exits with 1, and when its time is up with 124", async () => {
  using tree = new Tree({});
  tree.addZeros("endless", 2 ** 42);
  const none = await cluster([`${tree.path}/none`]);
  assertEquals([none.code, none.stdout], [1, ""]);
  assertStringIncludes(none.stderr, `cluster: ${tree.path}/none: No such file or directory\n`);
  const late = await cluster([tree.path, "--timeout", "50"]);
  assertEquals(late, { code: 124, stdout: "", stderr: "cluster: timed out\n" });
  await using place = await Place.on("sqlite");
  const flags = [...place.flags, "--spawn", "1", "--verbose", "--timeout", "500"];
  const hung = await cluster([tree.path, ...flags], place);
  assertEquals([hung.code, hung.stdout], [124, ""]);
  assertMatch(hung.stderr, /^(cluster: .*\n)*cluster: timed out\n$/);
});

Deno.test("a cluster refuses flags that are wrong, and shows the usage", () => {
  const wrong = [
    "--unknown",
    "--jobs 0",
    "--spawn x --queue sqlite:f",
    "--lease 99",
    "--timeout soon",
    "--name a.b",
    "--queue",
    "--queue sqlite:",
    "--queue redis://host",
    "--queue nats://",
    "--queue nats://host/path",
    "--queue nats://host:99999",
    "--work",
    "--work --queue memory:",
    "--work --queue sqlite:f dir",
    "--work --queue sqlite:f --spawn 1",
    "--work --queue sqlite:f --timeout 1",
    "--spawn 1",
    "--jobs 2 --queue sqlite:f",
    "--until-eof --queue sqlite:f",
    "one two",
  ];
  for (const flags of wrong) {
    const failure = assertThrows(
      () => parseFlags(flags.split(" ")),
      Failure,
      "Usage: cluster",
      flags,
    );
    assertEquals(failure.exitCode, 2, flags);
  }
});

Deno.test("a cluster knows where its queues are, and asks for no more permissions than that takes", () => {
  assertEquals(permissionsFor(parseAddress("memory:")), []);
  assertEquals(permissionsFor(parseAddress("sqlite:a, b.db")), ["--allow-write=a,, b.db"]);
  assertEquals(permissionsFor(parseAddress("nats://host")), ["--allow-net=host:4222"]);
  assertEquals(parseAddress("nats://a%40b:c%3Ad@[::1]:5/"), {
    kind: "nats",
    server: "[::1]:5",
    user: "a@b",
    password: "c:d",
  });
  const { root, jobs, lease, name, spawn, timeout } = parseFlags([]);
  assertEquals([jobs, lease, name], [navigator.hardwareConcurrency, 5_000, "digest"]);
  assertEquals([spawn, timeout], [0, Infinity]);
  assert(Deno.statSync(`${root}/examples/digest_cluster.ts`).isFile);
});

Deno.test("a cluster's --help prints the help", async () => {
  const { code, stdout, stderr } = await cluster(["--help"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  for (const flag of ["--queue", "--work", "--spawn", "--lease"]) {
    assertStringIncludes(stdout, flag);
  }
});

/** A directory with these files, until it is disposed. */
class Tree implements Disposable {
  readonly path = Deno.makeTempDirSync();
  readonly #files = new Set<string>();

  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  write(path: string, content: string): void {
    Deno.mkdirSync(`${this.path}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(`${this.path}/${path}`, content);
    this.#files.add(path);
  }

  /** A file of so many zeros, which take no room on the disk. */
  addZeros(path: string, size: number): void {
    using file = Deno.openSync(`${this.path}/${path}`, { write: true, create: true });
    file.truncateSync(size);
    this.#files.add(path);
  }

  /** What `sha256sum` prints about them. */
  async list(): Promise<string> {
    const paths = Array.from(this.#files, (path) => Buffer.from(path)).sort(Buffer.compare);
    const args = ["--", ...paths.map((path) => `${this.path}/${path}`)];
    const { stdout } = await new Deno.Command("sha256sum", { args }).output();
    return new TextDecoder().decode(stdout);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Where the queues of one test are. */
class Place implements AsyncDisposable {
  readonly queue: string;
  readonly permissions: readonly string[];
  readonly #resources: AsyncDisposableStack;

  private constructor(queue: string, resources: AsyncDisposableStack) {
    this.queue = queue;
    this.permissions = [...permissionsFor(parseAddress(queue)), "--allow-run=deno"];
    this.#resources = resources;
  }

  static async on(engine: "sqlite" | "nats"): Promise<Place> {
    await using resources = new AsyncDisposableStack();
    if (engine === "nats") {
      const server = resources.use(await NatsServer.start());
      return new Place(server.url, resources.move());
    }
    const directory = await Deno.makeTempDir();
    resources.defer(() => Deno.remove(directory, { recursive: true }));
    return new Place(`sqlite:${directory}/jobs.db`, resources.move());
  }

  /** All who use it say the same. */
  get flags(): string[] {
    return ["--queue", this.queue, "--lease", "1000"];
  }

  start(args: readonly string[], more: readonly string[] = []): Program {
    return new Program([...args, ...this.flags], [...this.permissions, ...more]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** One process of a cluster. */
class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  readonly #reading: Promise<void>;
  #stderr = "";
  #look = () => {};

  constructor(args: readonly string[], permissions: readonly string[]) {
    const repository = `${import.meta.dirname}/..`;
    this.#child = new Deno.Command("deno", {
      args: [
        ...["run", "--quiet", "--no-prompt", "--allow-read", ...permissions],
        ...["--config", `${repository}/deno.json`, `${repository}/examples/digest_cluster.ts`],
        ...args,
      ],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = new Response(this.#child.stdout).text();
    this.#reading = this.#read();
  }

  /** Resolves when it has said so on stderr; rejects if it ends before. */
  async says(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#look = () => {
      if (this.#stderr.includes(text)) resolve();
    };
    this.#look();
    this.#reading.then(() => reject(new Error(`it has ended without "${text}":\n${this.#stderr}`)));
    await promise;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async endInput(): Promise<void> {
    await this.#child.stdin.close();
  }

  async end(): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code } = await this.#child.status;
    await this.#reading;
    return { code, stdout: await this.#stdout, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.stdin.close().catch(() => {});
    await this.end();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr += text;
      this.#look();
    }
  }
}

async function cluster(
  args: readonly string[],
  { permissions = [] }: { readonly permissions?: readonly string[] } = {},
) {
  await using program = new Program(args, permissions);
  return await program.end();
}
