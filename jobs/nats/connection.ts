/**
 * How a job queue reaches its server.
 *
 * @module
 */
import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import { checkOptions, show } from "../../core/check.ts";
import { notOpened } from "./failures.ts";
import { connectShielded } from "./shielded_connection.ts";

/**
 * Who connects: given what the server wants to have signed, it gives the credentials. The NATS client has
 * functions that make them, such as `credsAuthenticator`, `jwtAuthenticator` and `nkeyAuthenticator`.
 *
 * @example
 * ```ts
 * import type { NatsAuthenticator } from "@sluice/sluice/jobs/nats";
 *
 * const byToken: NatsAuthenticator = () => ({ auth_token: "secret" });
 * console.log(byToken());
 * ```
 */
export type NatsAuthenticator = (nonce?: string) => object | void;

/**
 * How a connection is encrypted; certificates and keys in PEM, or the files that they are in.
 *
 * @example
 * ```ts
 * import type { NatsTlsOptions } from "@sluice/sluice/jobs/nats";
 *
 * const tls: NatsTlsOptions = { caFile: "/etc/nats/ca.pem" };
 * console.log(tls.caFile);
 * ```
 */
export interface NatsTlsOptions {
  /** TLS is the first that is spoken; the server has to be configured so. */
  readonly handshakeFirst?: boolean | undefined;
  /** Whose signature the server's certificate has to bear. */
  readonly ca?: string | undefined;
  /** As `ca`. */
  readonly caFile?: string | undefined;
  /** The certificate of this client. */
  readonly cert?: string | undefined;
  /** As `cert`. */
  readonly certFile?: string | undefined;
  /** The key of that certificate. */
  readonly key?: string | undefined;
  /** As `key`. */
  readonly keyFile?: string | undefined;
}

/**
 * What is passed on to the NATS client.
 *
 * @example
 * ```ts
 * import type { NatsConnectionOptions } from "@sluice/sluice/jobs/nats";
 *
 * const connection: NatsConnectionOptions = { user: "mailer", pass: "secret", tls: {} };
 * console.log(connection.user);
 * ```
 */
export interface NatsConnectionOptions {
  /** What the server's monitoring calls this connection. */
  readonly name?: string | undefined;
  /** With `pass`. An address like `nats://user:pass@host` says the same. */
  readonly user?: string | undefined;
  /** With `user`. */
  readonly pass?: string | undefined;
  /** Instead of `user` and `pass`. */
  readonly token?: string | undefined;
  /** For credentials files, JWTs and NKeys: one of the client's `credsAuthenticator` and its like. */
  readonly authenticator?: NatsAuthenticator | NatsAuthenticator[] | undefined;
  /** `{}` demands TLS, and so does an address like `tls://host`; null refuses it. */
  readonly tls?: NatsTlsOptions | null | undefined;
  /** What the inboxes begin with, for users who may not subscribe to `_INBOX.>`. */
  readonly inboxPrefix?: string | undefined;
  /** Milliseconds until an address that does not answer is given up; 20,000 if left out. */
  readonly timeout?: number | undefined;
  /** Milliseconds between two tries to be connected again; 100 if left out. */
  readonly reconnectTimeWait?: number | undefined;
  /** Milliseconds between two signs of life; 10,000 if left out. */
  readonly pingInterval?: number | undefined;
}

const KEYS = [
  "name",
  "user",
  "pass",
  "token",
  "authenticator",
  "tls",
  "inboxPrefix",
  "timeout",
  "reconnectTimeWait",
  "pingInterval",
] as const satisfies readonly (keyof NatsConnectionOptions)[];

/** Where a server is, and what its address says of who comes. */
interface Address {
  readonly server: string;
  readonly user?: string;
  readonly pass?: string;
  /** TLS is demanded. */
  readonly secure: boolean;
}

/** The options of the client. Throws TypeError or RangeError. */
export function connectionOptionsOf(
  servers: unknown,
  given: NatsConnectionOptions = {},
): ConnectionOptions & { servers: string[] } {
  checkOptions("connection", given);
  const list = typeof servers === "string" ? [servers] : servers;
  if (!Array.isArray(list)) {
    throw new TypeError(
      `servers must be an address like "nats://127.0.0.1:4222", or a list of them, not ${
        show(servers)
      }`,
    );
  }
  if (list.length === 0) throw new RangeError("servers must name at least one address");
  const addresses = list.map(addressOf);
  const named = addresses.find(({ user }) => user !== undefined);
  const options: ConnectionOptions & { servers: string[] } = {
    servers: addresses.map(({ server }) => server),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 50,
    pingInterval: 10_000,
    noAsyncTraces: true,
  };
  if (named?.user !== undefined) {
    if (named.pass === undefined) options.token = named.user;
    else Object.assign(options, { user: named.user, pass: named.pass });
  }
  if (addresses.some(({ secure }) => secure)) options.tls = {};
  for (const key of KEYS) {
    if (given[key] !== undefined) Object.assign(options, { [key]: given[key] });
  }
  return options;
}

/** Rejects with a JobQueueError. */
export async function openConnection(
  options: ConnectionOptions & { servers: string[] },
): Promise<NatsConnection> {
  try {
    return await connectShielded(options);
  } catch (error) {
    throw notOpened(options.servers, error);
  }
}

/** The client overlooks what an address says of user and password. */
function addressOf(address: unknown): Address {
  const bad = (): never => {
    throw new TypeError(
      `an address of servers must be like "nats://127.0.0.1:4222", not ${show(address)}`,
    );
  };
  if (typeof address !== "string" || address === "") return bad();
  const text = address.includes("://") ? address : `nats://${address}`;
  const [, scheme, rest] = /^([a-z]+):\/\/([^/?#]+)\/?$/i.exec(text) ?? [];
  if (rest === undefined || !/^(nats|tls)$/i.test(scheme!)) return bad();
  const at = rest.lastIndexOf("@");
  const server = rest.slice(at + 1);
  if (server === "") return bad();
  const secure = /^tls$/i.test(scheme!);
  if (at < 0) return { server, secure };
  const [user, ...pass] = rest.slice(0, at).split(":").map(decodeURIComponent);
  return pass.length === 0
    ? { server, secure, user: user! }
    : { server, secure, user: user!, pass: pass.join(":") };
}
