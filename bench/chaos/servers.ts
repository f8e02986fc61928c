/**
 * Trials in which the server dies or stands still, or the network between fails, under load.
 *
 * @module
 */
import { sleep } from "../../mod.ts";
import { Load } from "./load.ts";
import { Proxy } from "./proxy.ts";
import type { QueueSpec } from "./queues.ts";
import { natsQueue, type Scene } from "./scene.ts";
import { type Outcome, type Trial, unless } from "./trial.ts";

/** What was on its way is to come again soon. */
function queueOn(server: { readonly host: string }, scene: Scene): QueueSpec {
  return natsQueue(server, { capacity: 500, leaseTime: scene.count(5_000, 1_500) });
}

/** It is killed, and started again half a second later, twice. */
async function killed(scene: Scene): Promise<Outcome> {
  const server = await scene.nats();
  const jobs = scene.count(8_000, 600);
  const load = new Load(scene, { queue: queueOn(server, scene), jobs });
  for (const share of [0.25, 0.6]) {
    await load.reached(share * jobs);
    await server.kill();
    await sleep(500, scene.ctx);
    await server.restart();
  }
  return await load.finish();
}

/** It stands still for 5 s. */
async function frozen(scene: Scene): Promise<Outcome> {
  const server = await scene.nats();
  const jobs = scene.count(8_000, 600);
  const queue = natsQueue(server, { capacity: 500 });
  const load = new Load(scene, { queue, jobs });
  await load.reached(jobs / 3);
  await server.kill("SIGSTOP");
  await sleep(5_000, scene.ctx);
  await server.kill("SIGCONT");
  const outcome = await load.finish();
  const { twice } = outcome;
  return {
    ...outcome,
    faults: [
      ...outcome.faults,
      ...unless(twice === 0, `${twice} were done twice`),
      ...unless(load.ledger.errors.size === 0, "callers saw errors"),
    ],
  };
}

/** All connections end, several times. */
async function dropped(scene: Scene): Promise<Outcome> {
  const server = await scene.nats();
  const proxy = scene.keep(new Proxy(server.port));
  const jobs = scene.count(8_000, 600);
  const load = new Load(scene, { queue: queueOn(proxy, scene), jobs });
  for (const share of [0.15, 0.3, 0.45, 0.6, 0.75]) {
    await load.reached(share * jobs);
    proxy.drop();
  }
  return await load.finish();
}

/** What is sent goes nowhere, for 3 s, and then all connections end. */
async function swallowed(scene: Scene): Promise<Outcome> {
  const server = await scene.nats();
  const proxy = scene.keep(new Proxy(server.port));
  const jobs = scene.count(8_000, 600);
  const load = new Load(scene, { queue: queueOn(proxy, scene), jobs });
  await load.reached(jobs / 3);
  await proxy.swallow(3_000, scene.ctx);
  return await load.finish();
}

function trial(name: string, what: string, run: Trial["run"]): Trial {
  return { name, engine: "nats", what, seconds: 120, run };
}

/** All of them. */
export const servers: readonly Trial[] = [
  trial("server-killed", "kill -9 and restart of the server, twice, under load", killed),
  trial("server-frozen", "SIGSTOP of the server for 5 s, under load", frozen),
  trial("connection-dropped", "all connections end, 5 times, under load", dropped),
  trial(
    "connection-silent",
    "all that is sent is swallowed for 3 s, then all connections end, under load",
    swallowed,
  ),
];
