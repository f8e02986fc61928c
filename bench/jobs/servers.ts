/**
 * The servers that the contestants need: each is started on loopback, with its files in a directory of the
 * bench, and ends with it. And BullMQ, which is installed there.
 *
 * @module
 */

/** A server that runs. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly version: string;
}

/** Milliseconds in which a server is ready. */
const PATIENCE = 10_000;

/** The versions that are known to be installed together. */
const BULLMQ = {
  private: true,
  dependencies: { bullmq: "6.7.0", ioredis: "^5" },
  // The later ones name packages that not every registry has.
  overrides: { "msgpackr-extract": "3.0.4" },
} as const;

/** A NATS server with JetStream. */
export function startNats(directory: string): Promise<Server> {
  return start("nats-server", (port) => {
    return ["-js", "-sd", `${directory}/nats`, "-a", "127.0.0.1", "-p", `${port}`];
  });
}

/** Redis, which writes to disk once a second. */
export async function startRedis(directory: string): Promise<Server> {
  await Deno.mkdir(`${directory}/redis`);
  const durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
  return await start("redis-server", (port) => {
    return ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", `${directory}/redis`, ...durable];
  });
}

/** Installs BullMQ by npm, and tells its version. Throws an Error that says why that is not possible. */
export async function installBullMQ(directory: string): Promise<string> {
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/package.json`, JSON.stringify(BULLMQ));
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  await output("npm", args, directory);
  return BULLMQ.dependencies.bullmq;
}

async function start(program: string, argsOf: (port: number) => string[]): Promise<Server> {
  const version = /\d+\.\d+\.\d+/.exec(await output(program, ["--version"]))?.[0] ?? "";
  const port = freePort();
  const child = spawn(program, {
    args: argsOf(port),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const server: Server = {
    port,
    version,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await child.status;
    },
  };
  try {
    await answering(port);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw new Error(`${program} does not answer`, { cause: error });
  }
  return server;
}

/** Waits until somebody listens. */
async function answering(port: number): Promise<void> {
  for (const start = performance.now();;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (performance.now() - start > PATIENCE) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** What a program prints; throws an Error with its last words if it fails. */
async function output(program: string, args: string[], cwd?: string): Promise<string> {
  const child = spawn(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { success, stdout, stderr } = await child.output();
  if (success) return new TextDecoder().decode(stdout);
  const line = new TextDecoder().decode(stderr).trim().split("\n")[0];
  throw new Error(`${program} ${args[0]}: ${line || "it failed"}`);
}

/** Debian's NATS server is where not everybody looks. */
function spawn(program: string, options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(program, options).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    return new Deno.Command(`/usr/sbin/${program}`, options).spawn();
  } catch (error) {
    throw new Error(`there is no ${program}`, { cause: error });
  }
}

/** A port that nobody listens on now. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
