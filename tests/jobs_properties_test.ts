/**
 * Random programs over several handles and groups of one job queue, compared with a model after each
 * step: nothing that was accepted is lost, nothing is leased to two at once, the bound holds, first
 * deliveries come in order, every call settles, and stats say how it is.
 *
 * @module
 */
import fc from "fast-check";
import { type JobEngineUnderTest, memoryEngine } from "./support/job_engines.ts";
import { singleSqliteEngine, sqliteEngine } from "./support/job_engine_sqlite.ts";
import { type Program, program } from "./support/jobs_program.ts";
import { ProgramRun } from "./support/jobs_program_run.ts";

async function prove(engine: JobEngineUnderTest, program: Program, apart = false): Promise<void> {
  await using world = await engine.world();
  await new ProgramRun(world, program, apart).run();
}

Deno.test("153-160, 163-168: any program in memory keeps to the model", async () => {
  const property = fc.asyncProperty(program, (program) => prove(memoryEngine, program));
  await fc.assert(property, { numRuns: 300 });
});

Deno.test("153-160, 163-168, 174: any program in a file keeps to the model", async () => {
  const property = fc.asyncProperty(program, (program) => prove(singleSqliteEngine, program));
  await fc.assert(property, { numRuns: 50 });
});

Deno.test("153-160, 163-168, 174: any program over several handles on a file keeps to the model", async () => {
  const property = fc.asyncProperty(program, (program) => prove(sqliteEngine, program, true));
  await fc.assert(property, { numRuns: 8, endOnFailure: true });
});
