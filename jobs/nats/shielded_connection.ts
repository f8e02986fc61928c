/**
 * Connects to a server, so that nothing that its sockets still have to say ends the process.
 *
 * The client takes its listeners off a socket before it destroys it, as after a refused password. Under
 * Deno an ECONNRESET that was read just before is told a tick later: nobody listens, and it is uncaught.
 * Here each socket of this one connection keeps a listener to its end.
 *
 * @module
 */
import {
  connect,
  type ConnectionOptions,
  type NatsConnection,
  NatsConnectionImpl,
  ProtocolHandler,
} from "@nats-io/transport-node";

/** What a socket is, here. */
interface Socket {
  on(event: "error", listener: () => void): unknown;
  listeners(event: "error"): unknown[];
  removeAllListeners(...event: [event?: string]): unknown;
}

/** Private in its types, since `connect` is there for all who need no handler of their own. */
const Connection = NatsConnectionImpl as unknown as new (
  options: ConnectionOptions,
) => NatsConnectionImpl;

/** As `connect` of the client. */
export async function connectShielded(options: ConnectionOptions): Promise<NatsConnection> {
  await chooseTransport();
  const connection = new Connection(options);
  const handler = new ShieldedHandler(connection.options, connection);
  await handler.dialLoop();
  connection.protocol = handler;
  return connection;
}

/** The client tells itself in `connect` which sockets to use. These options it refuses right after that. */
async function chooseTransport(): Promise<void> {
  try {
    await connect({ servers: "127.0.0.1", port: 1 });
  } catch {
    // As it should.
  }
}

class ShieldedHandler extends ProtocolHandler {
  override dial(server: Parameters<ProtocolHandler["dial"]>[0]): Promise<void> {
    const dialed = super.dial(server);
    // It exists from here on, and has no socket yet.
    shieldSocketsOf(this.transport);
    return dialed;
  }
}

function shieldSocketsOf(transport: unknown): void {
  let current: Socket | undefined;
  Object.defineProperty(transport, "socket", {
    configurable: true,
    get: () => current,
    set(socket: Socket | undefined) {
      current = socket;
      if (socket !== undefined) shield(socket);
    },
  });
}

function shield(socket: Socket): void {
  const { removeAllListeners } = socket;
  const listen = (): void => {
    if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
  };
  // Node tells by their number whether it was given an event.
  socket.removeAllListeners = (...event) => {
    const result = removeAllListeners.apply(socket, event);
    listen();
    return result;
  };
  listen();
}

/** The client has its own listener while it cares; it is the "close" that it goes by. */
function ignore(): void {}
