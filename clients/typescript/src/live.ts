/** Follows jobs by push. The HTTP log is the truth: without push, the same updates come by polling. */
import {
  Connection,
  DEFAULT_TIMING,
  type SocketConstructor,
  type Timing,
  type Watch,
} from "./connection.js";
import { isFinal, JobLog, type FollowOptions, type LogUpdate } from "./follow.js";
import { ApiError, type JobsClient, type JobSummary } from "./index.js";
import type { JobList } from "./messages.js";
import { delay } from "./retry.js";

export interface LiveOptions {
  /** The WebSocket to use; by default the global one. With null, or if there is none, jobs are followed by polling. */
  WebSocket?: SocketConstructor | null;
  /** Other times than the default ones, in seconds: for fewer requests, or for a test. */
  timing?: Partial<Timing>;
  /** The source of the jitter, from 0 to 1: for a test. */
  random?: () => number;
}

export interface FollowJobsOptions {
  /** One's own jobs, or for an admin those of all users. A connection follows one list, not both. */
  jobs?: JobList;
  /** Ends the following: the follower throws the signal's reason. */
  signal?: AbortSignal;
}

/** What is new in a list of jobs. */
export interface JobsUpdate {
  /** The list has to be read: at first, after a lost connection, and now and then without push. */
  reload: boolean;
  /** The jobs that changed their state, oldest change first. A job may be new to the list. */
  jobs: JobSummary[];
}

/** Followers that share one connection. */
export interface Live {
  /**
   * Yields each line of a job's log once, in order, together with the job's state, until the job is final and its log
   * is read. It waits out lost connections and an API that is unavailable, and throws an `ApiError` if it is refused.
   */
  followJob(jobId: number, options?: FollowOptions): AsyncGenerator<LogUpdate, void, void>;
  /** Yields changes of a list of jobs, until its signal ends it. It never reads the list itself. */
  followJobs(options?: FollowJobsOptions): AsyncGenerator<JobsUpdate, void, void>;
  /** Closes the connection. Followers throw an `AbortError`. */
  close(): void;
}

/**
 * Creates followers that share one WebSocket. It is opened with the first follower, kept open by new tickets, and
 * closed soon after the last one.
 */
export function createLive(client: JobsClient, options: LiveOptions = {}): Live {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const { WebSocket: socket = globalThis.WebSocket, random = Math.random } = options;
  const connection = new Connection(client, socket, timing, random);
  return {
    followJob: (jobId, { after, signal } = {}) => {
      const log = new JobLog(client, jobId, after);
      return followJob(log, jobId, connection, timing, untilClosed(connection, signal));
    },
    followJobs: ({ jobs = "mine", signal } = {}) =>
      watching(connection, { jobs }, (watch) =>
        followJobs(watch, timing, untilClosed(connection, signal)),
      ),
    close: () => connection.close(),
  };
}

function untilClosed(connection: Connection, signal?: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, connection.closed]) : connection.closed;
}

/** Runs a follower with a watch, which ends with it. */
async function* watching<T>(
  connection: Connection,
  target: Watch["target"],
  follow: (watch: Watch) => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  const watch = connection.watch(target);
  try {
    yield* follow(watch);
  } finally {
    connection.unwatch(watch);
  }
}

/** A job that has ended is not watched: the rest of its log is read. */
async function* followJob(
  log: JobLog,
  jobId: number,
  connection: Connection,
  timing: Timing,
  signal: AbortSignal,
): AsyncGenerator<LogUpdate, void, void> {
  for (;;) {
    const first = await pull(log, connection, signal);
    yield first;
    if (first.state.finished) {
      return;
    }
    if (!log.isFinal) {
      yield* watching(connection, { job_id: jobId }, (watch) =>
        followWatched(log, first, watch, connection, timing, signal),
      );
      return;
    }
    await delay(log.isAtEnd ? timing.poll : 0, signal);
  }
}

async function* followWatched(
  log: JobLog,
  first: LogUpdate,
  watch: Watch,
  connection: Connection,
  timing: Timing,
  signal: AbortSignal,
): AsyncGenerator<LogUpdate, void, void> {
  let update = first;
  while (!update.state.finished) {
    const pollAfter = Math.min(Math.max(update.state.poll_after ?? 1, timing.minPoll), timing.poll);
    // A page with lines may be followed by another one at once, unless those lines are pushed.
    const wait = log.isAtEnd ? pollAfter : 0;
    const wasQuiet = yield* pushes(log, watch, wait, timing, signal);
    update = await pull(log, connection, signal);
    if (wasQuiet && (update.lines.length > 0 || update.state.finished)) {
      // A push was lost, perhaps with the connection.
      connection.probe();
    }
    yield update;
  }
}

/** Reads a page of a log, as often as it takes. */
async function pull(log: JobLog, connection: Connection, signal: AbortSignal): Promise<LogUpdate> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await log.pull(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiError && isForGood(error.status)) {
        throw error;
      }
    }
    await delay(connection.backoff(failures), signal);
  }
}

/** Yields pushed updates until a page has to be read. Returns whether that is due to silence. */
async function* pushes(
  log: JobLog,
  watch: Watch,
  wait: number,
  timing: Timing,
  signal: AbortSignal,
): AsyncGenerator<LogUpdate, boolean, void> {
  for (;;) {
    const isLive = watch.isLive && !log.isFinal && !log.isBehind;
    const events = await watch.take(isLive ? timing.quiet : wait, signal);
    let isPullDue = events.length === 0;
    for (const event of events) {
      if (event.type === "snapshot" || event.type === "update") {
        yield log.push(event);
      }
      isPullDue ||= event.type === "lost" || event.type === "refused";
    }
    const isFinished = events.length > 0 && log.isFinal;
    if (isPullDue || log.isBehind || isFinished) {
      return isLive && events.length === 0;
    }
  }
}

async function* followJobs(
  watch: Watch,
  timing: Timing,
  signal: AbortSignal,
): AsyncGenerator<JobsUpdate, void, void> {
  const ended = new Set<number>();
  yield { reload: true, jobs: [] };
  for (;;) {
    const events = await watch.take(watch.isLive ? timing.quiet : timing.poll, signal);
    let reload = events.length === 0;
    const jobs: JobSummary[] = [];
    for (const event of events) {
      reload ||= event.type === "subscribed" || event.type === "lost";
      if (event.type === "refused" && isForGood(event.problem.status)) {
        throw new ApiError(event.problem.status, event.problem, event.problem.detail);
      }
      if (event.type !== "job") {
        continue;
      }
      // A late push does not replace a final state.
      if (isFinal(event.job.status)) {
        ended.add(event.job.id);
      } else if (ended.has(event.job.id)) {
        continue;
      }
      jobs.push(event.job);
    }
    if (reload || jobs.length > 0) {
      yield { reload, jobs };
    }
  }
}

function isForGood(status: number): boolean {
  return status < 500 && status !== 429;
}
