/**
 * Trials on a cluster of three servers on loopback, which lose their leader, then the next one, then all.
 *
 * What they show is told, and does not fail the command: how a cluster behaves is the server's.
 *
 * @module
 */
import { connect } from "@nats-io/transport-node";
import { jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { sleep } from "../../mod.ts";
import { type NatsCluster, NatsServer } from "../../tests/support/nats_server.ts";
import { inWords } from "./ledger.ts";
import { Load } from "./load.ts";
import { openQueue, type QueueSpec } from "./queues.ts";
import type { Scene } from "./scene.ts";
import type { Outcome, Trial } from "./trial.ts";

/** How often, since no two runs are alike. */
const RUNS = { leaders: 2, all: 5 };

/** The stream of the work, as a server that answers sees it; undefined: none does. */
async function workStream(cluster: NatsCluster): Promise<StreamInfo | undefined> {
  let nc;
  try {
    nc = await connect({ servers: cluster.servers.map(({ host }) => host), timeout: 2_000 });
    const jsm = await jetstreamManager(nc, { timeout: 2_000 });
    return await jsm.streams.info("SLUICE_jobs");
  } catch {
    // There is no leader now who would know.
  } finally {
    await nc?.close();
  }
  return undefined;
}

/** Who leads the stream of the work. */
async function leaderOf(scene: Scene, cluster: NatsCluster): Promise<NatsServer> {
  for (;;) {
    const leader = (await workStream(cluster))?.cluster?.leader;
    const server = cluster.servers.find(({ name }) => name === leader);
    if (server?.running) return server;
    await sleep(100, scene.ctx);
  }
}

/** Right after its start a cluster has no room for a stream yet. */
async function make(scene: Scene, queue: QueueSpec): Promise<void> {
  for (;;) {
    try {
      await (await openQueue(queue)).close();
      return;
    } catch (error) {
      if (scene.ctx.cause !== undefined) throw scene.ctx.cause;
      await sleep(500, scene.ctx).catch(() => {
        throw new Error("the queue cannot be made", { cause: error });
      });
    }
  }
}

/** The leader is killed and started again, then the next leader; then, if that is said, all at once. */
async function killed(scene: Scene, all: boolean): Promise<Outcome> {
  const cluster = scene.keep(await NatsServer.cluster(3));
  const queue: QueueSpec = {
    engine: "nats",
    where: cluster.servers.map(({ host }) => host).join(","),
    options: { capacity: 500, leaseTime: 5_000, replicas: 3 },
  };
  await make(scene, queue);
  const jobs = scene.count(6_000, 2_000);
  const load = new Load(scene, { queue, jobs, patience: 30_000 });
  const deaths: string[] = [];
  try {
    for (const share of [0.2, 0.45]) {
      await load.reached(share * jobs);
      const leader = await leaderOf(scene, cluster);
      deaths.push(leader.name);
      await leader.kill();
      await sleep(1_000, scene.ctx);
      await leader.restart();
    }
    if (all) {
      await load.reached(0.7 * jobs);
      deaths.push("all");
      await Promise.all(cluster.servers.map((server) => server.kill()));
      await sleep(500, scene.ctx);
      await Promise.all(cluster.servers.map((server) => server.restart()));
    }
  } catch (error) {
    load.ledger.see(`the trial: ${inWords(error)}`);
  }
  const outcome = await load.finish();
  const messages = (await workStream(cluster))?.state.messages;
  const resets = cluster.servers.reduce(
    (sum, { log }) => sum + log.split("Resetting stream cluster state").length - 1,
    0,
  );
  const left = messages === undefined ? "nobody tells what is left" : `${messages} messages left`;
  return {
    ...outcome,
    saw: `${outcome.saw}; killed: ${deaths.join(", ")}; ${left} in the stream; ` +
      `${resets} resets in the servers' logs`,
  };
}

const leaders = (scene: Scene): Promise<Outcome> => killed(scene, false);
const everybody = (scene: Scene): Promise<Outcome> => killed(scene, true);

function trials(name: string, what: string, runs: number, run: Trial["run"]): Trial[] {
  return Array.from({ length: runs }, (_, at) => ({
    name,
    engine: "nats, 3 servers",
    what: `${what}, under load; run ${at + 1}`,
    seconds: 200,
    asserted: false,
    run,
  }));
}

/** All of them. */
export const clusters: readonly Trial[] = [
  ...trials(
    "cluster-leaders",
    "kill -9 and restart of the leader, then of the next leader",
    RUNS.leaders,
    leaders,
  ),
  ...trials(
    "cluster",
    "kill -9 and restart of the leader, of the next leader, then of all three at once",
    RUNS.all,
    everybody,
  ),
];
