/** What has become of a promise so far. A rejection that is seen here counts as handled. */
export class Watched<R = unknown> {
  is: "pending" | "fulfilled" | "rejected" = "pending";
  value: R | undefined;
  error: unknown;

  constructor(promise: PromiseLike<R>) {
    promise.then((value) => {
      this.is = "fulfilled";
      this.value = value;
    }, (error) => {
      this.is = "rejected";
      this.error = error;
    });
  }
}
