/**
 * The workload of routers: calls that are split between two versions, each of which is measured.
 *
 * @module
 */
import { atOnce, checkCount, checked, type FlowWorkload, type Job, noop } from "./contest.ts";

/** Sends nine of ten calls to the first version, and the tenth to the second. */
export interface AnyRouter {
  run(): Promise<unknown>;
  /** How many calls of the versions have succeeded, as it has counted them. */
  counts(): readonly [first: number, second: number];
  end(): void;
}

/** Makes one, of the versions' jobs. */
export type MakeRouter = (first: Job, second: Job) => AnyRouter;

/** The workload, for a kind of router. */
export function routerWorkloads(make: MakeRouter): Record<"G1", FlowWorkload> {
  return {
    G1: checked(() => checkSplits(make), async (count) => {
      let runs = 0;
      const job: Job = () => {
        runs++;
        return noop();
      };
      const router = make(job, job);
      const took = await atOnce(count, () => router.run());
      checkCount("runs", runs, count);
      router.end();
      return took;
    }),
  };
}

/** It splits 90 to 10, and knows how many went where. */
async function checkSplits(make: MakeRouter): Promise<void> {
  const runs = [0, 0];
  const version = (i: number): Job => () => {
    runs[i]!++;
    return noop();
  };
  const router = make(version(0), version(1));
  for (let i = 0; i < 100; i++) await router.run();
  const [first, second] = router.counts();
  checkCount("runs of the first version", runs[0]!, 90);
  checkCount("runs of the second version", runs[1]!, 10);
  checkCount("calls of the first version that were counted", first, 90);
  checkCount("calls of the second version that were counted", second, 10);
  router.end();
}
