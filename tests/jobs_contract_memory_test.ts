/**
 * The contract of job queues, in memory.
 *
 * @module
 */
import { memoryEngine } from "./support/job_engines.ts";
import { lawsOf, prove } from "./support/jobs_contract.ts";

for (const { name, proof } of lawsOf(memoryEngine)) {
  Deno.test(name, () => prove(memoryEngine, proof));
}
