/**
 * A real `nats-server` on loopback, for tests: on a port of its own, with its files in a directory of its
 * own, ready when it is handed over, and gone without a trace at the end of its scope.
 *
 * - Nothing sleeps: it is ready when its log says so, and dead when its process has ended.
 * - Without the binary a start fails, and says how to install it: no test is skipped in silence.
 *
 * @module
 */

/** How a server is to be. */
export interface NatsServerOptions {
  /** Both or none: whoever connects must say them. */
  readonly user?: string;
  readonly password?: string;
  /** false: without JetStream. A text: more lines for its part of the configuration. */
  readonly jetstream?: boolean | string;
  /** More lines for the configuration. */
  readonly config?: string;
}

const TAKEN = "address already in use";
const READY = "Server is ready";
/** How often a port that was free is found taken before that is an error. */
const TRIES = 5;
/** Milliseconds in which a server is ready. */
const PATIENCE = 20_000;

/** One server. */
export class NatsServer implements AsyncDisposable {
  /** Where its files are. */
  readonly directory: string;
  #options: NatsServerOptions;
  #port = -1;
  #cluster = "";
  #name: string;
  #process: Deno.ChildProcess | undefined;
  #reading: Promise<void> = Promise.resolve();
  #log = "";

  private constructor(directory: string, options: NatsServerOptions, name: string) {
    this.directory = directory;
    this.#options = options;
    this.#name = name;
  }

  /** Starts a server, and waits until it is ready. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(await Deno.makeTempDir(), options, "n1");
    await server.#started();
    return server;
  }

  /** Starts servers that are one cluster, and waits until each is ready; that they elect takes longer. */
  static async cluster(size = 3, options: NatsServerOptions = {}): Promise<NatsCluster> {
    for (let left = TRIES;; left--) {
      const ports = freePorts(size);
      const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
      const servers = await Promise.all(ports.map(async (port, at) => {
        const server = new NatsServer(await Deno.makeTempDir(), options, `n${at + 1}`);
        server.#cluster =
          `cluster { name: tests, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
        return server;
      }));
      const cluster = new NatsCluster(servers);
      const starts = await Promise.allSettled(servers.map((server) => server.#started()));
      const failed = starts.find(({ status }) => status === "rejected");
      if (failed === undefined) return cluster;
      await cluster[Symbol.asyncDispose]();
      if (left <= 1) throw (failed as PromiseRejectedResult).reason;
    }
  }

  /** Where it listens: the same after a restart. */
  get port(): number {
    return this.#port;
  }

  /** "127.0.0.1:PORT". */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** "nats://127.0.0.1:PORT". */
  get url(): string {
    return `nats://${this.host}`;
  }

  /** How its cluster calls it. */
  get name(): string {
    return this.#name;
  }

  /** What it has logged, over all its starts. */
  get log(): string {
    return this.#log;
  }

  /** It has been started, and not been ended. */
  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Sends a signal. Those that end it have done so when this resolves. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    process.kill(signal);
    if (signal === "SIGSTOP" || signal === "SIGCONT" || signal === "SIGHUP") return;
    this.#process = undefined;
    await process.status;
    await this.#reading;
  }

  /** Ends it unless it has ended, and starts it again: same port, same directory; other options if given. */
  async restart(options: NatsServerOptions = this.#options): Promise<void> {
    await this.kill();
    this.#options = options;
    await this.#started();
  }

  /** Kills it, and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.directory, { recursive: true });
  }

  async #started(): Promise<void> {
    for (let left = TRIES;; left--) {
      try {
        return await this.#start();
      } catch (error) {
        await this.kill();
        // Somebody else may hold the port for a moment.
        if (left > 1 && (error as Error).message.includes(TAKEN)) continue;
        if (this.#port === -1) await Deno.remove(this.directory, { recursive: true });
        throw error;
      }
    }
  }

  async #start(): Promise<void> {
    const file = `${this.directory}/server.conf`;
    await Deno.writeTextFile(file, this.#configuration());
    const process = this.#process = spawn(["-c", file]);
    const ready = Promise.withResolvers<void>();
    const late = setTimeout(() => ready.reject(this.#failure("is not ready")), PATIENCE);
    const from = this.#log.length;
    this.#reading = this.#read(process, () => {
      const log = this.#log.slice(from);
      const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log);
      if (port !== null) this.#port = Number(port[1]);
      if (log.includes(READY)) ready.resolve();
    });
    this.#reading.then(() => ready.reject(this.#failure("has ended")));
    try {
      await ready.promise;
    } finally {
      clearTimeout(late);
    }
  }

  async #read(process: Deno.ChildProcess, look: () => void): Promise<void> {
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
      this.#log += text;
      look();
    }
  }

  #failure(what: string): Error {
    return new Error(`the nats-server ${what}:\n${this.#log.slice(-2_000)}`);
  }

  #configuration(): string {
    const { user, password, jetstream = true, config = "" } = this.#options;
    const lines = [
      `listen: "127.0.0.1:${this.#port}"`,
      `server_name: ${this.#name}`,
      this.#cluster,
      config,
    ];
    if (jetstream !== false) {
      const more = typeof jetstream === "string" ? jetstream : "";
      lines.push(`jetstream {\n store_dir: "${this.directory}/store"\n ${more}\n}`);
    }
    if (user !== undefined) {
      lines.push(`authorization { user: "${user}", password: "${password}" }`);
    }
    return lines.join("\n");
  }
}

/** Servers that are one cluster. */
export class NatsCluster implements AsyncDisposable {
  readonly servers: readonly NatsServer[];

  constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
  }

  /** "nats://127.0.0.1:PORT" of each. */
  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  /** Kills all, and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server.kill();
    for (const { directory } of this.servers) {
      await Deno.remove(directory, { recursive: true }).catch(() => {});
    }
  }
}

function spawn(args: string[]): Deno.ChildProcess {
  // Debian's is in /usr/sbin, which is not on everybody's PATH.
  for (const binary of ["nats-server", "/usr/sbin/nats-server"]) {
    try {
      const command = new Deno.Command(binary, {
        args,
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      });
      return command.spawn();
    } catch (error) {
      const missing = error instanceof Deno.errors.NotFound ||
        (error instanceof Deno.errors.NotCapable && binary.startsWith("/"));
      if (!missing) throw error;
    }
  }
  throw new Error("there is no nats-server here: apt-get install nats-server");
}

/** Ports that nobody listens on now. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}
