/**
 * What limits whom, in sentences: what was found by profiles, and does not change from run to run.
 *
 * @module
 */

/** For the page. */
export const limits: readonly string[] = [
  "Memory: the processor, and what has to be collected. A value is written as JSON and read again, and a call " +
  "takes a handful of promises, which a batch shares.",
  "SQLite, one by one: the disk. A put is one sync, a get and a done are one each. What is called in the same " +
  "turn of the event loop shares a transaction and its sync, so several workers, and puts in flight, get more " +
  "out of it than the bare loop, whose calls block: workers do not help that one.",
  "SQLite in batches, and many puts in flight: the processor, in SQLite's statements. Ours keeps two indexes, " +
  "of what is ready and of what is due, and the counters of queue and group in the same transaction, so that " +
  "the bound and `stats` cost the same whatever the backlog; the bare loop has one index and no counters, and " +
  "knows how many there are by counting. That is most of the difference, and it is also there one by one, " +
  "where a commit has more pages to write.",
  "Latency of SQLite: a put and its handing out share a transaction, and `done` is another, so 500 a second " +
  "are 1,000 syncs. If the disk does not do so many, a line grows, and its length is what the table shows.",
  "Several processes on one file of SQLite: there is one writer at a time, and who does not get the lock " +
  "tries again. More processes do not make the queue faster; they are for work that takes longer than its queue.",
  "NATS, one by one: the round trip. A put is one, a get is one, a confirmed done is one. Workers share the " +
  "connection, and add up until client and server have used up the processors.",
  "NATS in batches: the processors, of client and server together, in writing to the socket, parsing, and " +
  "waking each other up. 64 acknowledgements are 64 messages of which one is answered; a client that has each of " +
  "them confirmed pays for 64 answers, too.",
  "Puts on NATS: our engine asks without a timer and a promise chain of the client for each request, so it may " +
  "be quicker than `js.publish`, on which the bare client relies.",
  "BullMQ: a script in Redis for each job, which finishes one and fetches the next. `concurrency` has more " +
  "of them under way, but does not make them fewer; more workers of one process share its event loop.",
  "The server of NATS is Debian's 2.9.10, and one of them. Nothing here says what a cluster costs.",
];
