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
 * by time takes a clock, so that tests move it. All pieces tell by `stats()` how they are doing, but for
 * {@linkcode compose}, whose parts do, and {@linkcode merge}, which is that of `@sluice/sluice/tasks`.
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
export { Batcher } from "./batches/batcher.ts";
export type {
  BatcherOptions,
  BatcherStats,
  BatchHandler,
  BatchResults,
} from "./batches/batcher_options.ts";
export { Failed } from "./batches/failed.ts";
export { WriteBehind } from "./batches/write_behind.ts";
export type {
  WriteBehindOptions,
  WriteBehindStats,
  Writer,
} from "./batches/write_behind_options.ts";
export { CircuitOpenError, OverloadError, type OverloadErrorOptions } from "./errors.ts";
export { AdaptiveCapacity, type AdaptiveCapacityStats } from "./levels/adaptive_capacity.ts";
export type { AdaptiveCapacityOptions } from "./levels/adaptive_capacity_options.ts";
export type { FlowLevel, WaterMarkOptions } from "./levels/marks.ts";
export { WaterMarks, type WaterMarkStats } from "./levels/water_marks.ts";
export { KeyedLimiter } from "./limits/keyed_limiter.ts";
export type {
  KeyedLimiterOptions,
  KeyedLimiterStats,
  RateLimiterOptions,
  RateLimiterStats,
} from "./limits/limiter_options.ts";
export { RateLimiter } from "./limits/rate_limiter.ts";
export type { RateMeter, Requests } from "./limits/rate_meter.ts";
export { SlidingWindow, type SlidingWindowOptions } from "./limits/sliding_window.ts";
export { TokenBucket, type TokenBucketOptions } from "./limits/token_bucket.ts";
export { Bulkhead, type BulkheadOptions, type BulkheadStats } from "./policies/bulkhead.ts";
export type { CircuitState } from "./policies/circuit.ts";
export { CircuitBreaker } from "./policies/circuit_breaker.ts";
export type {
  CircuitBreakerOptions,
  CircuitBreakerStats,
} from "./policies/circuit_breaker_options.ts";
export { compose } from "./policies/compose.ts";
export type { Policy, RunOptions } from "./policies/policy.ts";
export {
  retrying,
  type RetryingOptions,
  type RetryingPolicy,
  type RetryingStats,
} from "./policies/retrying.ts";
export { TimeLimit, type TimeLimitOptions, type TimeLimitStats } from "./policies/time_limit.ts";
export type { CallOutcome, CallStats } from "./routes/call_meter.ts";
export { Canary } from "./routes/canary.ts";
export type {
  CanaryOptions,
  CanaryReason,
  CanaryResult,
  CanaryStats,
  CanaryStep,
} from "./routes/canary_options.ts";
export { byKey, byPredicate, type Choice } from "./routes/choice.ts";
export { HashRing, type HashRingOptions, type HashRingStats } from "./routes/hash_ring.ts";
export { Histogram, type HistogramOptions } from "./routes/histogram.ts";
export type { CallObserver, RoutedCall } from "./routes/routed_call.ts";
export { Router } from "./routes/router.ts";
export type { RouteHandler, RouterOptions, RouteStats } from "./routes/router_options.ts";
export { WeightedSplit, type WeightedSplitStats, type Weights } from "./routes/weighted_split.ts";
export type { Branch } from "./streams/branch.ts";
export { debounce, type DebounceOptions } from "./streams/debounce.ts";
export { filter } from "./streams/filter.ts";
export type { FlowStream, StreamStats } from "./streams/flow_stream.ts";
export type { TimingOptions } from "./streams/latest_stream.ts";
export { map } from "./streams/map.ts";
export { type Operator, pipe } from "./streams/pipe.ts";
export {
  type Pipeline,
  pipeline,
  type PipelineOptions,
  type PipelineStats,
} from "./streams/pipeline.ts";
export { sample } from "./streams/sample.ts";
export { split, splitBy } from "./streams/split.ts";
export { take, takeWhile } from "./streams/take.ts";
export { type Branches, type BranchOptions, tee } from "./streams/tee.ts";
export { throttle, type ThrottleOptions } from "./streams/throttle.ts";
export { window, type WindowOptions } from "./streams/window.ts";
export { type Producers, zip } from "./streams/zip.ts";
export type {
  ConsumerGroup,
  ConsumerGroupStats,
  JoinOptions,
  Member,
} from "./topics/consumer_group.ts";
export type {
  ReadOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionStats,
} from "./topics/subscription.ts";
export { Topic, type TopicOptions, type TopicStats } from "./topics/topic.ts";
export { Watch } from "./topics/watch.ts";
export type { ChangedOptions, WatchOptions, WatchStats } from "./topics/watch_options.ts";
export type { WatchReader } from "./topics/watch_reader.ts";
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
export type { Clock, Timer } from "../tasks/clock.ts";
export type { Job } from "../tasks/job.ts";
export { merge } from "../tasks/merge.ts";
export type { ShutdownOptions } from "../tasks/pool_options.ts";
export type { RetryOptions } from "../tasks/retry.ts";
export type { Producer } from "../tasks/tap.ts";
export type { Mapper } from "../tasks/worker_pool.ts";
