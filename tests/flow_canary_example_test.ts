/**
 * The example `canary`, as a newcomer meets it: it runs as a program of its own, without permissions, and
 * all that it prints is compared.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

// The Deno that runs this, where it may be run by its path.
const path = Deno.execPath();
const { state } = await Deno.permissions.query({ name: "run", command: path });
const deno = state === "granted" ? path : "deno";

const repository = `${import.meta.dirname}/..`;

Deno.test("145: the example releases v2 step by step, and takes v3 back by itself, the same each time", async () => {
  const { code, stdout, stderr } = await new Deno.Command(deno, {
    args: [
      ...["run", "--quiet", "--no-prompt", "--config", `${repository}/deno.json`],
      `${repository}/examples/canary.ts`,
    ],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals({ code, stdout: text(stdout), stderr: text(stderr) }, {
    ...{ code: 0, stderr: "" },
    stdout: `before:
    requests: v1 180, v2  20, v3   0
release of v2:
  10 % for v2
    requests: v1 180, v2  20, v3   0
    requests: v1 180, v2  20, v3   0
  25 % for v2
    requests: v1 150, v2  50, v3   0
    requests: v1 150, v2  50, v3   0
  50 % for v2
    requests: v1 100, v2 100, v3   0
    requests: v1 100, v2 100, v3   0
  100 % for v2
    requests: v1   0, v2 200, v3   0
    requests: v1   0, v2 200, v3   0
  v2 is promoted: 0 errors in the last 400 calls, p99 12 ms
release of v3:
  10 % for v3
    requests: v1   0, v2 180, v3  20
    requests: v1   0, v2 180, v3  20
  25 % for v3
    requests: v1   0, v2 150, v3  50
    requests: v1   0, v2 150, v3  50
  50 % for v3
    requests: v1   0, v2 196, v3   4
  v3 is rolled back at 50 %: errorShare, 2 of 3 calls
after:
    requests: v1   0, v2 200, v3   0
weights: {"v1":0,"v2":100,"v3":0}
served at the second attempt: 3, errors that a user saw: 0
`,
  });
});

Deno.test("the example canary begins with a comment that says how to run it", () => {
  const source = Deno.readTextFileSync(`${repository}/examples/canary.ts`);
  const [comment = ""] = source.match(/^\/\*\*\n.*? \*\/\n/s) ?? [];
  assertEquals(comment.match(/^ \* {5}(.+)$/m)?.[1], "deno run examples/canary.ts");
});
