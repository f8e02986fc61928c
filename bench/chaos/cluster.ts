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

const RUNS = 5;

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
async function make(scene: Scene, queue: QueueSpec): Promise<string> {
  for (;;) {
    try {
      await using made = await openQueue(queue);
      return made.name;
    } catch (error) {
      if (scene.ctx.cause !== undefined) throw scene.ctx.cause;
      await sleep(500, scene.ctx).catch(() => {
        throw new Error("the queue cannot be made", { cause: error });
      });
    }
  }
}

async function leadersKilled(scene: Scene): Promise<Outcome> {
  const cluster = scene.keep(await NatsServer.cluster(3));
  const queue: QueueSpec = {
    engine: "nats",
    where: cluster.servers.map(({ host }) => host).join(","),
    options: { capacity: 500, leaseTime: 5_000, replicas: 3 },
  };
  await make(scene, queue);
  const jobs = scene.count(12_000, 3_000);
  const load = new Load(scene, { queue, jobs, patience: 60_000 });
  const killed: string[] = [];
  try {
    for (const share of [0.2, 0.45]) {
      await load.reached(share * jobs);
      const leader = await leaderOf(scene, cluster);
      killed.push(leader.name);
      await leader.kill();
      await sleep(1_000, scene.ctx);
      await leader.restart();
    }
    await load.reached(0.7 * jobs);
    killed.push("all");
    await Promise.all(cluster.servers.map((server) => server.kill()));
    await sleep(500, scene.ctx);
    await Promise.all(cluster.servers.map((server) => server.restart()));
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
    saw: `${outcome.saw}; killed: ${killed.join(", ")}; ${left} in the stream; ` +
      `${resets} resets in the servers' logs`,
  };
}

/** All of them. */
export const clusters: readonly Trial[] = Array.from({ length: RUNS }, (_, run) => ({
  name: "cluster",
  engine: "nats, 3 servers",
  what: `run ${run + 1}: kill -9 of the leader, then of the next leader, then of all three; ` +
    "each is restarted",
  seconds: 240,
  asserted: false,
  run: leadersKilled,
}));
