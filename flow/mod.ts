/**
 * Flow control: what keeps a busy system standing.
 *
 * - {@linkcode WaterMarks}, {@linkcode AdaptiveCapacity}: queues that slow their producers, and fit
 *   themselves to what is measured.
 * - {@linkcode Batcher}, {@linkcode WriteBehind}: many small calls made into few large ones.
 * - {@linkcode TokenBucket}, {@linkcode SlidingWindow}, {@linkcode KeyedLimiter}: so many in so much time.
 * - {@linkcode Bulkhead}, {@linkcode CircuitBreaker}, {@linkcode TimeLimit}, {@linkcode retrying}: policies
 *   that guard a job, and {@linkcode compose}, which puts them around one another.
 * - {@linkcode Router}, {@linkcode WeightedSplit}, {@linkcode HashRing}, {@linkcode Canary}: which of several
 *   handlers gets a call, and how a new one takes over.
 * - {@linkcode Topic}, {@linkcode Watch}: every value for every subscriber, and the latest value.
 * - {@linkcode map}, {@linkcode filter}, {@linkcode take}, {@linkcode window}, {@linkcode zip},
 *   {@linkcode tee}, {@linkcode split}, {@linkcode pipeline}, {@linkcode merge}, {@linkcode debounce},
 *   {@linkcode throttle}, {@linkcode sample}: streams of values made into others.
 *
 * Whatever waits takes a context, a signal or a timeout, and leaves no trace when that ends. Whatever goes
 * by time takes a clock, so that tests move it. All pieces have `stats()`.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { Batcher, OverloadError, WaterMarks } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const orders = new Queue<string>({ maxSize: 4, name: "orders" });
 * const marks = new WaterMarks(orders);
 * const answers = ["a", "b", "c", "d", "e"].map((order) =>
 *   marks.submit(order).then(() => "accepted", (error) => (error as OverloadError).code)
 * );
 * await using table = new Batcher<string>((rows) => console.log(`insert ${rows}`));
 * await Promise.all((await orders.getBatch(128)).map((order) => table.submit(order)));
 * assertEquals((await Promise.all(answers)).at(-1), "SLUICE_OVERLOAD");
 * ```
 *
 * @module
 */
export { AdaptiveCapacity, type AdaptiveCapacityStats } from "./adaptive_capacity.ts";
export type { AdaptiveCapacityOptions } from "./adaptive_capacity_options.ts";
export { Batcher } from "./batcher.ts";
export type {
  BatcherOptions,
  BatcherStats,
  BatchHandler,
  BatchResults,
} from "./batcher_options.ts";
export type { Branch } from "./branch.ts";
export { Bulkhead, type BulkheadOptions, type BulkheadStats } from "./bulkhead.ts";
export type { CallOutcome, CallStats } from "./call_meter.ts";
export { Canary } from "./canary.ts";
export type {
  CanaryOptions,
  CanaryReason,
  CanaryResult,
  CanaryStats,
  CanaryStep,
} from "./canary_options.ts";
export { byKey, byPredicate, type Choice } from "./choice.ts";
export type { CircuitState } from "./circuit.ts";
export { CircuitBreaker } from "./circuit_breaker.ts";
export type { CircuitBreakerOptions, CircuitBreakerStats } from "./circuit_breaker_options.ts";
export { compose } from "./compose.ts";
export type { ConsumerGroup, ConsumerGroupStats, JoinOptions, Member } from "./consumer_group.ts";
export { debounce, type DebounceOptions } from "./debounce.ts";
export { CircuitOpenError, OverloadError, type OverloadErrorOptions } from "./errors.ts";
export { Failed } from "./failed.ts";
export { filter } from "./filter.ts";
export { HashRing, type HashRingOptions } from "./hash_ring.ts";
export { Histogram, type HistogramOptions } from "./histogram.ts";
export { KeyedLimiter } from "./keyed_limiter.ts";
export type { TimingOptions } from "./latest_stream.ts";
export type {
  KeyedLimiterOptions,
  KeyedLimiterStats,
  RateLimiterOptions,
  RateLimiterStats,
} from "./limiter_options.ts";
export { map } from "./map.ts";
export type { FlowLevel, WaterMarkOptions } from "./marks.ts";
export { type Operator, pipe } from "./pipe.ts";
export { pipeline, type PipelineOptions } from "./pipeline.ts";
export type { Policy, RunOptions } from "./policy.ts";
export { RateLimiter } from "./rate_limiter.ts";
export type { RateMeter, Requests } from "./rate_meter.ts";
export { retrying, type RetryingOptions } from "./retrying.ts";
export type { CallObserver, RoutedCall } from "./routed_call.ts";
export { Router } from "./router.ts";
export type { RouteHandler, RouterOptions, RouteStats } from "./router_options.ts";
export { sample } from "./sample.ts";
export { SlidingWindow, type SlidingWindowOptions } from "./sliding_window.ts";
export { split, splitBy } from "./split.ts";
export type {
  ReadOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionStats,
} from "./subscription.ts";
export { take, takeWhile } from "./take.ts";
export { type Branches, type BranchOptions, tee } from "./tee.ts";
export { throttle, type ThrottleOptions } from "./throttle.ts";
export { TimeLimit, type TimeLimitOptions } from "./time_limit.ts";
export { TokenBucket, type TokenBucketOptions } from "./token_bucket.ts";
export { Topic, type TopicOptions, type TopicStats } from "./topic.ts";
export { Watch } from "./watch.ts";
export type { ChangedOptions, WatchOptions, WatchStats } from "./watch_options.ts";
export type { WatchReader } from "./watch_reader.ts";
export { WaterMarks, type WaterMarkStats } from "./water_marks.ts";
export { WeightedSplit, type Weights } from "./weighted_split.ts";
export { window, type WindowOptions } from "./window.ts";
export { WriteBehind } from "./write_behind.ts";
export type { WriteBehindOptions, WriteBehindStats, Writer } from "./write_behind_options.ts";
export { type Producers, zip } from "./zip.ts";
export type { Clock, Timer } from "../tasks/clock.ts";
export type { Job } from "../tasks/job.ts";
export { merge } from "../tasks/merge.ts";
export type { ShutdownOptions } from "../tasks/pool_options.ts";
export type { RetryOptions } from "../tasks/retry.ts";
export type { Producer } from "../tasks/tap.ts";
export type { Mapper } from "../tasks/worker_pool.ts";
export { ContextKey } from "../core/context_key.ts";
export type {
  BatchOptions,
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Wait,
  WaitOptions,
} from "../core/contract.ts";
export { CanceledError, ClosedError, DeadlineExceededError } from "../core/errors.ts";
export type { ClosedErrorOptions } from "../core/errors.ts";
export {
  type Received,
  type Sink,
  type SinkPort,
  sinkPort,
  type Source,
  type SourcePort,
  sourcePort,
  type Waiter,
} from "../core/protocol.ts";
