/** What can be done with several jobs at once. */
import { client, unwrap, type JobSummary } from "../../lib/api";
import { failureOf, type Failure } from "../../lib/failure";

/** The number of requests at the same time. */
const AT_ONCE = 4;

/** How it went: for each job, that it was done, or why not. */
export interface Outcome {
  done: JobSummary[];
  failed: { job: JobSummary; failure: Failure }[];
}

/** Cancels jobs. */
export function cancelAll(jobs: readonly JobSummary[], reason: string): Promise<Outcome> {
  return forEach(jobs, ({ id }) =>
    unwrap(
      client.PUT("/api/jobs/{id}/cancel", {
        params: { path: { id } },
        body: reason === "" ? {} : { reason },
      }),
    ),
  );
}

/** Retries jobs as new ones. */
export function retryAll(jobs: readonly JobSummary[]): Promise<Outcome> {
  return forEach(jobs, ({ id }) =>
    unwrap(
      client.POST("/api/jobs/{id}/retry", {
        // A lost answer then makes no second job.
        params: { path: { id }, header: { "Idempotency-Key": crypto.randomUUID() } },
        body: {},
      }),
    ),
  );
}

async function forEach(
  jobs: readonly JobSummary[],
  act: (job: JobSummary) => Promise<unknown>,
): Promise<Outcome> {
  const outcome: Outcome = { done: [], failed: [] };
  const rest = jobs.values();
  const work = async () => {
    for (const job of rest) {
      try {
        await act(job);
        outcome.done.push(job);
      } catch (error) {
        outcome.failed.push({ job, failure: failureOf(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcome;
}
