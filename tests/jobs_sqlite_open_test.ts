/**
 * A file that is new to all who open it at the same moment.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Opening } from "./support/sqlite_opener.ts";

/** Two, since those who wait for each other spin. */
const WORKERS = 2;

Deno.test("174: a new file may be opened by several at the same moment: one makes it, nobody takes it for another program's", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const files = Array.from({ length: 60 }, (_, at) => `${directory}/${at}.db`);
    const gate = new Int32Array(new SharedArrayBuffer(4 * files.length));
    const errors = await Promise.all(Array.from({ length: WORKERS }, () => {
      const opener = new Worker(new URL("./support/sqlite_opener.ts", import.meta.url), {
        type: "module",
      });
      return new Promise<string[]>((resolve) => {
        opener.onmessage = ({ data }) => resolve(data);
        opener.postMessage({ gate, workers: WORKERS, files } satisfies Opening);
      });
    }));
    assertEquals(errors.flat(), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
