/**
 * Trials in which a server refuses, or is not there: one clear error, and nobody dies of another.
 *
 * @module
 */
import { sleep } from "../../mod.ts";
import type { End } from "./child.ts";
import { CHOSEN, type Note } from "./notes.ts";
import type { QueueSpec } from "./queues.ts";
import { natsQueue, type Scene } from "./scene.ts";
import { type Outcome, type Trial, unless } from "./trial.ts";

const USER = "sluice";

/** Opens it in processes of their own, four at a time, each of which should see this reason and end well. */
async function opened(
  scene: Scene,
  queue: QueueSpec,
  reason: string,
  processes: number,
): Promise<Outcome> {
  const errors: string[] = [];
  const ends: End[] = [];
  let left = processes;
  await Promise.all(Array.from({ length: Math.min(4, processes) }, async () => {
    while (left-- > 0) {
      await using child = scene.child({ role: "open", queue }, (note) => {
        errors.push(note.note === "error" ? note.error : `a note: ${note.note}`);
        return true;
      });
      ends.push(await child.ended());
    }
  }));
  const clear = errors.filter((text) => text.startsWith(`JobQueueError "${reason}": `)).length;
  const died = ends.filter(({ code }) => code !== CHOSEN);
  return {
    saw: `${clear} of ${processes}: ${errors[0]}`,
    faults: [
      ...unless(errors.length === processes && clear === processes, `not all see "${reason}"`),
      ...died.map(({ code, signal, lastWords }) => `one died by ${signal ?? code}: ${lastWords}`),
    ],
  };
}

async function wrongPassword(scene: Scene): Promise<Outcome> {
  const server = await scene.nats({ user: USER, password: "right" });
  const queue = natsQueue(server, { connection: { user: USER, pass: "wrong" } });
  return await opened(scene, queue, "unauthorized", scene.count(50, 8));
}

async function noJetStream(scene: Scene): Promise<Outcome> {
  const server = await scene.nats({ jetstream: false });
  return await opened(scene, natsQueue(server), "unsupported", 1);
}

async function nobodyThere(scene: Scene): Promise<Outcome> {
  const server = await scene.nats();
  const queue = natsQueue(server);
  await server.kill();
  return await opened(scene, queue, "unreachable", 1);
}

/** How the calls of a process end that waits in `get` and `put`, and then asks for `stats`, after something has happened. */
async function waited(
  scene: Scene,
  queue: QueueSpec,
  timeout: number,
  happens: () => Promise<void>,
  expected: string,
): Promise<Outcome> {
  const ends: (Note & { note: "ended" })[] = [];
  const child = scene.child({ role: "wait", queue, timeout }, (note) => {
    if (note.note === "ended") ends.push(note);
    return note.note !== "ready";
  });
  await child.next(scene.ctx);
  await sleep(200, scene.ctx);
  await happens();
  while (ends.length < 3 && !child.failed) await sleep(20, scene.ctx);
  const { code, signal, lastWords } = await child.end();
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  const errors = Map.groupBy(ends, ({ error }) => error);
  return {
    saw: [...errors].map(([error, of]) =>
      `${of.map(({ call, after }) => `${call} after ${seconds(after)} s`).join(", ")}: ${error}`
    ).join("; "),
    faults: [
      ...unless(code === 0, `the process died by ${signal ?? code}: ${lastWords}`),
      ...unless(
        ends.length === 3 && ends.every(({ error }) => error.startsWith(expected)),
        `not all see ${expected}`,
      ),
      ...unless(ends.every(({ after }) => after < timeout + 1_000), "too late"),
    ],
  };
}

async function passwordChanged(scene: Scene): Promise<Outcome> {
  const server = await scene.nats({ user: USER, password: "right" });
  const queue = natsQueue(server, { connection: { user: USER, pass: "right" } });
  const change = () => server.restart({ user: USER, password: "another" });
  return await waited(scene, queue, 15_000, change, 'JobQueueError "unauthorized"');
}

async function serverGone(scene: Scene): Promise<Outcome> {
  const server = await scene.nats();
  return await waited(
    scene,
    natsQueue(server),
    3_000,
    () => server.kill(),
    "DeadlineExceededError",
  );
}

function trial(name: string, what: string, run: Trial["run"]): Trial {
  return { name, engine: "nats", what, seconds: 120, run };
}

/** All of them. */
export const refusals: readonly Trial[] = [
  trial("wrong-password", "a wrong password, in 50 processes", wrongPassword),
  trial("password-changed", "a restart with another password, while calls wait", passwordChanged),
  trial("no-jetstream", "a server without JetStream", noJetStream),
  trial("nobody-there", "nobody listens", nobodyThere),
  trial(
    "server-gone",
    "the server goes for good, while calls wait with a timeout of 3 s",
    serverGone,
  ),
];
