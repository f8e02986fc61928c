/**
 * Lets a test see what would have ended the process.
 *
 * @module
 */

/** Until it is disposed, uncaught errors and unhandled rejections come here and do no harm. */
export interface Uncaught extends Disposable {
  /** What was thrown, oldest first. */
  readonly errors: readonly unknown[];
}

/** Catches what nobody else does: `using uncaught = catchUncaught();` */
export function catchUncaught(): Uncaught {
  const errors: unknown[] = [];
  const onError = (event: ErrorEvent): void => {
    event.preventDefault();
    errors.push(event.error);
  };
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    errors.push(event.reason);
  };
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    errors,
    [Symbol.dispose]() {
      globalThis.removeEventListener("error", onError);
      globalThis.removeEventListener("unhandledrejection", onRejection);
    },
  };
}
