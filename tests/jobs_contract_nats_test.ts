/**
 * The contract of job queues, on a real NATS server. Its laws are steps of one test, which starts the
 * server and sees that nothing is left of it, and of them, in the end; several run at a time, since most
 * of their time they wait.
 *
 * @module
 */
import { assert } from "@std/assert";
import { natsEngine } from "./support/job_engine_nats.ts";
import { lawsOf, prove } from "./support/jobs_contract.ts";
import { NatsServer } from "./support/nats_server.ts";

/** How many laws are proven at a time. */
const AT_A_TIME = 6;

Deno.test("153-169, 173: the contract of job queues holds on a NATS server", async (t) => {
  await using server = await NatsServer.start();
  const engine = natsEngine(server);
  const laws = lawsOf(engine).values();
  const results: boolean[] = [];
  const one = async (): Promise<void> => {
    for (const { name, proof } of laws) {
      const fn = () => prove(engine, proof);
      const step = { name, fn, sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
      results.push(await t.step(step));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
  assert(results.length > 90 && results.every(Boolean));
});
