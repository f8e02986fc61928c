import { NatsServer } from "/work/main/tests/support/nats_server.ts";
import { connect } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
globalThis.addEventListener("error", (e) => e.preventDefault());
globalThis.addEventListener("unhandledrejection", (e) => e.preventDefault());
const jobs = Number(Deno.args[0] ?? 6000);
const cluster = await NatsServer.cluster(3);
const servers = cluster.servers.map(({ host }) => host);
const open = () => connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const nc = await open(), nc2 = await open();
for (let i = 0;; i++) try { const jsm = await jetstreamManager(nc); await jsm.streams.add({ name: "S", subjects: ["s.>"], retention: "workqueue", discard: "new", max_msgs: 500, num_replicas: 3, duplicate_window: 120e9 } as any); await jsm.consumers.add("S", { durable_name: "c", ack_policy: "explicit", ack_wait: 5e9, max_ack_pending: -1, filter_subject: "s.a" } as any); break; } catch (e) { if (i > 30) throw e; await sleep(500); }
const js = jetstream(nc), js2 = jetstream(nc2);
const acked = new Map<number, [number, number, boolean]>(), got = new Map<number, number[]>(); let stop = false;
const t0 = performance.now(); const t = () => Math.round(performance.now() - t0);
let next = 0; const errs = new Map<string, number>();
const prod = Promise.all(Array.from({ length: 64 }, async () => { while (next < jobs) { const n = next++; for (;;) try { const a = await js.publish("s.a", String(n), { msgID: `m${n}`, timeout: 3000 }); acked.set(n, [t(), a.seq, a.duplicate]); break; } catch (e) { const k = `${e}`.slice(0, 70); errs.set(k, (errs.get(k) ?? 0) + 1); await sleep(15); } } }));
const cons = Promise.all(Array.from({ length: 4 }, async () => { while (!stop) try { const c = await js2.consumers.get("S", "c"); const b = []; for await (const m of await c.fetch({ max_messages: 64, expires: 1000 })) b.push(m); if (b.length === 0) continue; await sleep(b.length); for (const m of b) { const n = Number(m.string()); got.set(n, [...got.get(n) ?? [], m.seq]); } for (const m of b.slice(0, -1)) m.ack(); await b.at(-1)!.ackAck({ timeout: 5000 } as any).catch(() => {}); } catch { await sleep(50); } }));
const leader = async () => { for (;;) { try { const jsm = await jetstreamManager(nc, { timeout: 2000 }); const l = (await jsm.streams.info("S")).cluster?.leader; const s = cluster.servers.find((s) => s.name === l); if (s?.running) return s; } catch { /* none */ } await sleep(100); } };
const events: string[] = [];
for (const share of [0.25, 0.5]) { while (acked.size < share * jobs) await sleep(2); const l = await leader(); events.push(`${t()} kill ${l.name}`); await l.kill(); await sleep(1000); await l.restart(); }
if (Deno.args[1] !== "leaders") {
while (acked.size < 0.75 * jobs) await sleep(2);
events.push(`${t()} kill all`); await Promise.all(cluster.servers.map((s) => s.kill())); await sleep(500); await Promise.all(cluster.servers.map((s) => s.restart())); events.push(`${t()} back`);
}
let since = performance.now(), sum = -1;
while ((acked.size < jobs || got.size < jobs) && performance.now() - since < 25000) { const s = acked.size + got.size; if (s !== sum) { sum = s; since = performance.now(); } await sleep(20); }
stop = true;
const lost = [...acked.keys()].filter((n) => !got.has(n));
const seqs = new Map<number, number>(); for (const [n, ss] of got) for (const s of ss) seqs.set(s, n);
const st = await (await jetstreamManager(nc)).streams.info("S").catch(() => undefined);
const ci = await (await jetstreamManager(nc)).consumers.info("S", "c").catch(() => undefined);
console.log("BARE", { acked: acked.size, got: got.size, lost: lost.length, twice: [...got.values()].filter((x) => x.length > 1).length }, JSON.stringify(st?.state), JSON.stringify(ci && [ci.delivered, ci.ack_floor, ci.num_pending, ci.num_ack_pending]), events.join(", "));
console.log(lost.slice(0, 20).map((n) => { const [at, seq, d] = acked.get(n)!; return `${n}@${at} seq ${seq}${d ? "D" : ""} (that seq was delivered as ${seqs.get(seq)})`; }).join("\n"));
console.log([...errs].map(String).join("; "), cluster.servers.map((s) => s.log.split("Resetting").length - 1).join("/"));
await cluster[Symbol.asyncDispose]();
Deno.exit();
