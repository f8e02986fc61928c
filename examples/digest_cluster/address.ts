/**
 * Where the queues are: what `--queue` says.
 *
 * @module
 */
import { shown } from "../digest/names.ts";

/** In this process, in a file, or on a server. */
export type Address =
  | { readonly kind: "memory" }
  | { readonly kind: "sqlite"; readonly file: string }
  | {
    readonly kind: "nats";
    /** "HOST:PORT". */
    readonly server: string;
    readonly user?: string;
    readonly password?: string;
  };

/** Where a NATS server listens if nothing is said. */
const NATS_PORT = "4222";

/** Throws a RangeError that says what is allowed. */
export function parseAddress(text: string): Address {
  if (text === "memory:") return { kind: "memory" };
  if (/^sqlite:./s.test(text)) return { kind: "sqlite", file: text.slice("sqlite:".length) };
  const server = text.startsWith("nats://") ? parseServer(text) : undefined;
  if (server !== undefined) return server;
  throw new RangeError(
    `--queue must be memory:, sqlite:FILE or nats://[USER:PASSWORD@]HOST[:PORT]: ${shown(text)}`,
  );
}

function parseServer(text: string): Address | undefined {
  try {
    const { host, hostname, port, username, password, pathname, search, hash } = new URL(text);
    if (hostname === "" || !/^\/?$/.test(pathname) || search + hash !== "") return undefined;
    const server = port === "" ? `${host}:${NATS_PORT}` : host;
    if (username === "") return { kind: "nats", server };
    const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
    return { kind: "nats", server, user, password: secret };
  } catch {
    return undefined;
  }
}

/** What a process needs to be allowed to use the queues, and no more. */
export function permissionsFor(address: Address): string[] {
  switch (address.kind) {
    case "memory":
      return [];
    case "sqlite":
      // Two commas stand for one that does not end the path.
      return [`--allow-write=${address.file.replaceAll(",", ",,")}`];
    case "nats":
      return [`--allow-net=${address.server}`];
  }
}
