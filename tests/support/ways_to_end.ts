/**
 * Every way in which a waiting call can end early, each as the `wait` argument to give and what to
 * do then.
 *
 * @module
 */
import {
  background,
  type CancelContext,
  ContextKey,
  type Wait,
  withAny,
  withCancel,
  withDeadline,
  withTimeout,
  withValue,
} from "../../mod.ts";
import type { FakeClock } from "./clock.ts";
import { type SpiedController, spiedController } from "./spied_signal.ts";

/** When those end that end by time, in milliseconds. */
export const DUE = 10;

/** A timeout that never comes to it. */
const LONG = 100_000;

/** Disposing it lets go of all contexts that it made. */
export interface Way extends Disposable {
  readonly wait: Wait;
  /** By time: the clock moves. Otherwise it has ended when this returns. */
  readonly byTime: boolean;
  end(): void | Promise<void>;
  /** What the call is to reject with, once it has ended; `fresh`: a DeadlineExceededError. */
  cause(): unknown;
  /** The foreign signals that it has to do with. */
  readonly signals: readonly SpiedController[];
}

export const fresh: unique symbol = Symbol("a fresh DeadlineExceededError");

/** Thrown by nobody, so that only identity makes it the cause. */
class Reason {}

interface Parts {
  readonly wait: Wait;
  readonly end?: () => void;
  readonly cause: () => unknown;
  readonly contexts?: readonly CancelContext[];
  readonly signals?: readonly SpiedController[];
}

const made: Readonly<Record<string, () => Parts>> = {
  "a context's cancel": () => {
    const ctx = withCancel(background());
    const reason = new Reason();
    return { wait: ctx, end: () => ctx.cancel(reason), cause: () => reason, contexts: [ctx] };
  },
  "a context's cancel without a cause": () => {
    const ctx = withCancel(background());
    return { wait: ctx, end: () => ctx.cancel(), cause: () => ctx.err, contexts: [ctx] };
  },
  "a context's cancel with null": () => {
    const ctx = withCancel(background());
    return { wait: ctx, end: () => ctx.cancel(null), cause: () => null, contexts: [ctx] };
  },
  "the cancel of a context in options": () => {
    const ctx = withCancel(background());
    const reason = new Reason();
    const wait = { ctx, timeout: Infinity };
    return { wait, end: () => ctx.cancel(reason), cause: () => reason, contexts: [ctx] };
  },
  "a context's timeout": () => {
    const ctx = withTimeout(background(), DUE);
    return { wait: ctx, cause: () => ctx.err, contexts: [ctx] };
  },
  "a context's timeout with a cause": () => {
    const reason = new Reason();
    const ctx = withTimeout(background(), DUE, reason);
    return { wait: { ctx }, cause: () => reason, contexts: [ctx] };
  },
  "a context's deadline": () => {
    const reason = new Reason();
    const ctx = withDeadline(background(), new Date(Date.now() + DUE), reason);
    return { wait: ctx, cause: () => reason, contexts: [ctx] };
  },
  "its parent's cancel": () => {
    const parent = withCancel(background());
    const ctx = withCancel(parent);
    const reason = new Reason();
    return { wait: ctx, end: () => parent.cancel(reason), cause: () => reason, contexts: [parent] };
  },
  "its grandparent's timeout": () => {
    const elder = withTimeout(background(), DUE);
    const ctx = withCancel(withValue(withCancel(elder), new ContextKey<number>("n"), 1));
    return { wait: ctx, cause: () => elder.err, contexts: [elder] };
  },
  "the end of one of several parents": () => {
    const parents = [withCancel(background()), withTimeout(background(), LONG)] as const;
    const controller = spiedController();
    const ctx = withAny(controller.signal, ...parents);
    const reason = new Reason();
    return {
      wait: ctx,
      end: () => parents[0].cancel(reason),
      cause: () => reason,
      contexts: [...parents, ctx],
      signals: [controller],
    };
  },
  "a signal": () => {
    const controller = spiedController();
    const reason = new Reason();
    return {
      wait: controller.signal,
      end: () => controller.abort(reason),
      cause: () => reason,
      signals: [controller],
    };
  },
  "a signal without a reason": () => {
    const controller = spiedController();
    const { signal } = controller;
    return {
      wait: signal,
      end: () => controller.abort(),
      cause: () => signal.reason,
      signals: [controller],
    };
  },
  "a signal in options": () => {
    const controller = spiedController();
    const reason = new Reason();
    return {
      wait: { signal: controller.signal },
      end: () => controller.abort(reason),
      cause: () => reason,
      signals: [controller],
    };
  },
  "a signal over a context": () => {
    const controller = spiedController();
    const ctx = withCancel(controller.signal);
    const reason = new Reason();
    return {
      wait: ctx,
      end: () => controller.abort(reason),
      cause: () => reason,
      contexts: [ctx],
      signals: [controller],
    };
  },
  "a context's own signal": () => {
    const ctx = withCancel(background());
    const reason = new Reason();
    return {
      wait: ctx.signal,
      end: () => ctx.cancel(reason),
      cause: () => reason,
      contexts: [ctx],
    };
  },
  "a context's own signal in options": () => {
    const ctx = withTimeout(background(), DUE);
    return { wait: { signal: ctx.signal }, cause: () => ctx.err, contexts: [ctx] };
  },
  "a timeout": () => ({ wait: { timeout: DUE }, cause: () => fresh }),
  "the context, of all three": () => {
    const { ctx, controller, reason } = two();
    return {
      wait: { ctx, signal: controller.signal, timeout: LONG },
      end: () => ctx.cancel(reason),
      cause: () => reason,
      contexts: [ctx],
      signals: [controller],
    };
  },
  "the signal, of all three": () => {
    const { ctx, controller, reason } = two();
    return {
      wait: { ctx, signal: controller.signal, timeout: LONG },
      end: () => controller.abort(reason),
      cause: () => reason,
      contexts: [ctx],
      signals: [controller],
    };
  },
  "the timeout, of all three": () => {
    const { ctx, controller } = two();
    return {
      wait: { ctx, signal: controller.signal, timeout: DUE },
      cause: () => fresh,
      contexts: [ctx],
      signals: [controller],
    };
  },
};

function two(): { ctx: CancelContext; controller: SpiedController; reason: Reason } {
  return { ctx: withCancel(background()), controller: spiedController(), reason: new Reason() };
}

export const waysToEnd: Readonly<Record<string, (clock: FakeClock) => Way>> = Object.fromEntries(
  Object.entries(made).map(([name, make]) => [name, (clock: FakeClock): Way => {
    const { wait, end, cause, contexts = [], signals = [] } = make();
    return {
      wait,
      byTime: end === undefined,
      end: end ?? (() => clock.tick(DUE)),
      cause,
      signals,
      [Symbol.dispose]() {
        for (const ctx of contexts) ctx.cancel();
      },
    };
  }]),
);
