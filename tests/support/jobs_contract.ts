/**
 * The contract of job queues: every law of all topics, on one engine.
 *
 * @module
 */
import type { JobEngineUnderTest, JobWorld } from "./job_engines.ts";
import { argumentLaws } from "./jobs_contract_arguments.ts";
import { closeLaws } from "./jobs_contract_close.ts";
import { deadLaws } from "./jobs_contract_dead.ts";
import { durableLaws } from "./jobs_contract_durable.ts";
import { getLaws } from "./jobs_contract_gets.ts";
import { groupLaws } from "./jobs_contract_groups.ts";
import { leaseLaws } from "./jobs_contract_leases.ts";
import { putLaws } from "./jobs_contract_puts.ts";
import { settleLaws } from "./jobs_contract_settling.ts";
import { valueLaws } from "./jobs_contract_values.ts";
import { waitLaws } from "./jobs_contract_waits.ts";

/** What proves a law. */
export type Proof = (world: JobWorld) => Promise<void>;

/** States a law; `holds` tells for which engines, all if left out. */
export type Law = (
  name: string,
  proof: Proof,
  holds?: (engine: JobEngineUnderTest) => boolean,
) => void;

/** All laws that hold for an engine. */
export function lawsOf(engine: JobEngineUnderTest): { name: string; proof: Proof }[] {
  const laws: { name: string; proof: Proof }[] = [];
  const law: Law = (name, proof, holds) => {
    if (holds === undefined || holds(engine)) {
      laws.push({ name: `${name} (${engine.kind})`, proof });
    }
  };
  putLaws(law);
  getLaws(law);
  waitLaws(law);
  leaseLaws(law);
  settleLaws(law);
  deadLaws(law);
  groupLaws(law);
  closeLaws(law);
  valueLaws(law);
  argumentLaws(law);
  durableLaws(law);
  return laws;
}

/** Proves one law, in a world of its own. */
export async function prove(engine: JobEngineUnderTest, proof: Proof): Promise<void> {
  await using world = await engine.world();
  await proof(world);
}
