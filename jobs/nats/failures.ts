/**
 * What the server and its client say when something fails, as a {@linkcode JobQueueError} that says what
 * to do.
 *
 * @module
 */
import {
  AuthorizationError,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import { JobQueueError } from "../errors.ts";

/** What JetStream says when it refuses something. */
export interface ApiError {
  /** As of HTTP. */
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

export function unreachable(why: string, cause?: unknown): JobQueueError {
  return new JobQueueError(why, "unreachable", { cause });
}

export function unauthorized(cause: Error): JobQueueError {
  const what = cause instanceof PermissionViolationError
    ? `the NATS server does not let this user ${
      cause.operation === "publish" ? "publish to" : "subscribe to"
    } ${cause.subject}: give it that permission`
    : `the NATS server does not accept the credentials (${cause.message}): look at the connection's ` +
      `user and pass, token or authenticator`;
  return new JobQueueError(what, "unauthorized", { cause });
}

/** Why a connection could not be opened. */
export function notOpened(servers: readonly string[], cause: unknown): JobQueueError {
  if (isAuthorization(cause)) return unauthorized(cause as Error);
  const why = cause instanceof Error ? cause.message : String(cause);
  if (/tls|certificate/i.test(why)) {
    const message =
      `the NATS server at ${servers.join(", ")} and this client do not agree on TLS ` +
      `(${why}): look at the connection's tls`;
    return new JobQueueError(message, "unauthorized", { cause });
  }
  return unreachable(
    `no NATS server answers at ${servers.join(", ")} (${why}): start one with \`nats-server -js\``,
    cause,
  );
}

/** Why a connection that was there has ended for good. */
export function closedFor(cause: void | Error): JobQueueError {
  if (isAuthorization(cause)) return unauthorized(cause as Error);
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return unreachable(`the connection to the NATS server was closed for good${why}`, cause);
}

export function unsupported(cause?: unknown): JobQueueError {
  return new JobQueueError(
    "the NATS server runs without JetStream: start it with `nats-server -js`",
    "unsupported",
    { cause },
  );
}

export function tooLarge(size: number, most: number | undefined): JobQueueError {
  const limit = most === undefined ? "" : ` of at most ${most}`;
  return new JobQueueError(
    `the value takes ${size} bytes with its headers, and the NATS server takes messages${limit}: ` +
      `store it elsewhere and put where, or raise the server's max_payload`,
    "too-large",
  );
}

/** What JetStream says of its storage, or of anything else that is not to be waited for. */
export function refusedBy({ code, err_code, description }: ApiError): JobQueueError {
  const cause = new Error(`${description} (${code}, ${err_code})`);
  if (err_code === 10039 || err_code === 10076) return unsupported(cause);
  if (err_code === 10014 || err_code === 10059) {
    return new JobQueueError(
      `the queue is not on the NATS server any more (${description}): somebody has deleted it`,
      "mismatch",
      { cause },
    );
  }
  if (err_code === 10054) {
    return new JobQueueError(`the value is too large: ${description}`, "too-large", { cause });
  }
  return new JobQueueError(
    `the NATS server cannot store: ${description} (${err_code})`,
    "storage",
    { cause },
  );
}

/** JetStream is about to be there, or to have a leader: worth another try. */
export function isPassing({ code, err_code }: ApiError): boolean {
  // 10023, 10047 and 10077 say that there is no room.
  if (err_code === 10023 || err_code === 10047 || err_code === 10077) return false;
  return code === 503 || err_code === 10008;
}

/** A queue that is full, and nothing else. */
export function isFull({ err_code, description }: ApiError): boolean {
  return err_code === 10077 && description.includes("maximum messages");
}

function isAuthorization(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}
