/**
 * 175: what is passed through to a NATS server: TLS.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobQueueError } from "../jobs/mod.ts";
import { natsJobs } from "../jobs/nats/mod.ts";
import { NatsServer } from "./support/nats_server.ts";

Deno.test("173, 175: an address that demands TLS is refused by a server that has none", async () => {
  await using server = await NatsServer.start();
  const error = await assertRejects(() => natsJobs(`tls://${server.host}`), JobQueueError);
  assertEquals(error.reason, "unauthorized");
  assert(error.message.includes(server.host), error.message);
  assert(error.message.includes("tls"), error.message);
  await (await natsJobs(`nats://${server.host}`)).close();
});
