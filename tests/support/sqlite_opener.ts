/**
 * A worker that opens new files of job queues in the moment in which others do: it is told of the gate, an
 * Int32Array over shared memory, and of the files, and says what went wrong.
 *
 * @module
 */
import { sqliteJobs } from "../../jobs/sqlite/mod.ts";

/** What the worker is told. */
export interface Opening {
  /** How many have come to each file. */
  readonly gate: Int32Array;
  readonly workers: number;
  readonly files: readonly string[];
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Opening>) => void;
  postMessage(errors: string[]): void;
  close(): void;
};
scope.onmessage = async ({ data: { gate, workers, files } }) => {
  const errors: string[] = [];
  for (const [at, file] of files.entries()) {
    Atomics.add(gate, at, 1);
    while (Atomics.load(gate, at) < workers);
    try {
      await (await sqliteJobs(file, { synchronous: "normal" })).close();
    } catch (error) {
      errors.push(String(error));
    }
  }
  scope.postMessage(errors);
  scope.close();
};
