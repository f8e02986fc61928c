/**
 * The traffic split of chapter 5 of the article: of the requests to a service 90 % go to version v1,
 * and 10 % to v2. The original is the configuration of a service mesh; here the versions are the
 * workers of a pool.
 *
 * Look at the counts: they are exact, since the shares are dealt out evenly and not by chance.
 *
 *     deno run examples/article/5_canary_release.ts
 *
 * @module
 */
import { weighted, WorkerPool } from "@sluice/sluice/tasks";

const versions = ["v1", "v2"];
const pool = new WorkerPool({ workers: versions.length, strategy: weighted([90, 10]) });

const served = versions.map(() => 0);
for (let i = 0; i < 200; i++) {
  void pool.submit((_, version) => {
    served[version]!++;
    return "200 OK";
  });
}
await pool.drain();

served.forEach((count, version) => {
  console.log(`${versions[version]}: ${count} requests, ${count / 2} %`);
});
