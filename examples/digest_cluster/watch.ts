import type { Context } from "@sluice/sluice";
import { type JobQueue, JobQueueError } from "@sluice/sluice/jobs";
import type { Screen } from "../digest/screen.ts";
import type { Collector } from "./collector.ts";
import type { ClusterFlags } from "./flags.ts";
import type { FileJob } from "./queues.ts";
import { slept } from "./run.ts";

/** Milliseconds from one look to the next. */
const EVERY = 250;

/** After how many looks at files that nobody takes that is worth a word. */
const LONG = 12;

/** Shows how far the work has come, and says so if nobody does it. */
export async function watch(
  files: JobQueue<FileJob>,
  collector: Collector,
  { address, queue, name, lease }: ClusterFlags,
  screen: Screen,
  ctx: Context,
): Promise<void> {
  const here = address.kind === "memory";
  if (here && !screen.hasStatus) return;
  let idle = 0;
  while (await slept(EVERY, ctx)) {
    try {
      const { leased, unfinished } = await files.stats(ctx);
      screen.status(collector.progress(unfinished, leased));
      idle = unfinished > 0 && leased === 0 ? idle + 1 : 0;
      if (idle !== LONG || here) continue;
      const where = queue.replace(/\/\/.*@/s, "//USER:PASSWORD@");
      const which = `${name === "digest" ? "" : ` --name ${name}`} --lease ${lease}`;
      screen.complain(`nobody works: deno task cluster --work --queue ${where}${which}`);
    } catch (error) {
      // The collector has the same, if it lasts.
      if (!ctx.done && !(error instanceof JobQueueError)) throw error;
    }
  }
  screen.status("");
}
