/** Live updates: the one place that knows how they come. */
import { createLive, type Live } from "jobs-client";

import type { JobsClient, JobSummary, LogUpdate } from "./api";
import { client, isFinal, unwrap } from "./api";
import { failureOf, isPassing } from "./failure";
import { session } from "./session.svelte";

/**
 * How often the progress of the jobs in a list is read, which learns of a job's start and end only. Also how often a
 * job is read without push.
 */
const POLL_MS = 5_000;
/** What one poll asks for at most, beside the newest jobs. */
const MAX_STATUSES = 20;

let current: { user: string; live: Live } | undefined;

/** Ends the connection, with the session of its user. */
export function closeLive(): void {
  current?.live.close();
  current = undefined;
}

/** The one connection of the page. Another user has another one, as has a user whose role has changed. */
function live(): Live {
  const user = JSON.stringify([session.me?.user_id, session.isAdmin]);
  if (current?.user !== user) {
    closeLive();
    current = { user, live: createLive(client, { timing: { minPoll: POLL_MS / 1_000 } }) };
  }
  return current.live;
}

export interface FollowJob {
  signal: AbortSignal;
  /** The `next_cursor` behind which the log continues. */
  after?: string;
}

/** Yields what is new in a job's log, with the job's state, until the job is final and its log is read. */
export function followJob(
  id: number,
  options: FollowJob,
): AsyncGenerator<LogUpdate, void, void> {
  return live().followJob(id, options);
}

/** Which jobs to follow: the newest of a query, and those that the page shows. */
export interface FollowJobs {
  signal: AbortSignal;
  query: { job_type?: JobSummary["job_type"] & string; release_id?: number; user_id?: number };
  /** Returns the jobs that are shown. */
  shown: () => readonly JobSummary[];
}

/** Yields the jobs that are new or have changed, until `signal` ends it. Continues after a failure that passes. */
export async function* followJobs(
  client: JobsClient,
  { signal, query, shown }: FollowJobs,
): AsyncGenerator<JobSummary[], void, void> {
  const updates = live().followJobs({ jobs: session.isAdmin ? "all" : "mine", signal });
  let poll: Promise<undefined> | undefined;
  try {
    // The first one only says that the list has to be read, and the screen has just done so.
    await updates.next();
    let next = nextOf(updates);
    while (!signal.aborted) {
      if (shown().some((job) => job.status === "running")) {
        poll ??= nextPoll(signal);
      }
      try {
        const update = await Promise.race(poll ? [next, poll] : [next]);
        if (update?.done) {
          return;
        }
        const isPoll = update === undefined;
        poll = isPoll ? undefined : poll;
        const changed =
          isPoll || update.value.reload
            ? await changedJobs(client, { signal, query, shown })
            : update.value.jobs;
        if (changed.length > 0) {
          yield changed;
        }
        next = isPoll ? next : nextOf(updates);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!isPassing(failureOf(error))) {
          throw error;
        }
        await nextPoll(signal);
      }
    }
  } finally {
    void updates.return();
  }
}

/** Waits for the next update. Nobody may be left to hear that the wait has ended. */
function nextOf<T>(updates: AsyncGenerator<T, void, void>): Promise<IteratorResult<T, void>> {
  const next = updates.next();
  next.catch(() => undefined);
  return next;
}

async function changedJobs(
  client: JobsClient,
  { signal, query, shown }: FollowJobs,
): Promise<JobSummary[]> {
  const page = await unwrap(
    client.GET("/api/jobs", {
      signal,
      params: {
        query: {
          limit: 100,
          ...(query.job_type && { job_type: [query.job_type] }),
          ...(query.release_id && { release_id: query.release_id }),
          ...(query.user_id && { user_id: query.user_id }),
        },
      },
    }),
  );
  const known = new Map(shown().map((job) => [job.id, job]));
  const newest = new Set(page.jobs.map((job) => job.id));
  const open = [...known.values()].filter((job) => !isFinal(job.status) && !newest.has(job.id));
  const older = await Promise.all(
    open.slice(0, MAX_STATUSES).map(async (job) => {
      const path = { id: job.id };
      const state = await unwrap(client.GET("/api/jobs/{id}/status", { signal, params: { path } }));
      const { status, progress, started_at, finished_at, error } = state;
      return { ...job, status, progress, started_at, finished_at, error };
    }),
  );
  return [...page.jobs, ...older].filter(
    (job) => JSON.stringify(job) !== JSON.stringify(known.get(job.id)),
  );
}

/** Waits for the time of the next poll, and longer while the page is not seen. */
async function nextPoll(signal: AbortSignal): Promise<undefined> {
  await until(signal, (resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
    return () => clearTimeout(timer);
  });
  if (document.hidden) {
    await until(signal, (resolve) => {
      document.addEventListener("visibilitychange", resolve);
      return () => document.removeEventListener("visibilitychange", resolve);
    });
  }
}

/** Waits for what `start` waits for, or until `signal` ends the wait. `start` returns what stops it. */
function until(signal: AbortSignal, start: (resolve: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = () => {
      stop();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const stop = start(end);
    signal.addEventListener("abort", end);
  });
}
