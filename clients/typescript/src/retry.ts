/** Repeats requests that failed for a reason that passes. */

const MAX_RETRIES = 3;
const MAX_DELAY_SECONDS = 30;
const UNAVAILABLE = 503;

type Fetch = (request: Request) => Promise<Response>;

/**
 * Wraps `fetch`. A request that is safe to repeat is sent again after `Retry-After`, or after 1, 2 and 4 seconds.
 *
 * A `POST` without an `Idempotency-Key` is not: if its answer is lost, the job may exist.
 */
export function retrying(fetch: Fetch): Fetch {
  return async (request) => {
    const isSafe = request.method !== "POST" || request.headers.has("idempotency-key");
    for (let attempt = 0; ; attempt++) {
      const isLast = !isSafe || attempt === MAX_RETRIES;
      let seconds = 2 ** attempt;
      try {
        // A body can be read once.
        const response = await fetch(isLast ? request : request.clone());
        if (response.status !== UNAVAILABLE || isLast) {
          return response;
        }
        seconds = Number(response.headers.get("retry-after")) || seconds;
      } catch (error) {
        if (isLast || request.signal.aborted) {
          throw error;
        }
      }
      await delay(Math.min(seconds, MAX_DELAY_SECONDS), request.signal);
    }
  };
}

/** Waits, unless `signal` ends the wait: then it throws the signal's reason. */
export function delay(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1_000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
