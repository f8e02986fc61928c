/**
 * The contract of job queues, in a file.
 *
 * @module
 */
import { sqliteEngine } from "./support/job_engine_sqlite.ts";
import { lawsOf, prove } from "./support/jobs_contract.ts";

for (const { name, proof } of lawsOf(sqliteEngine)) {
  Deno.test(name, () => prove(sqliteEngine, proof));
}
