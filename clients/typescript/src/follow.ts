/** Follows a job's log by polling, and holds the log as a follower has read it. */
import type { JobsClient, JobStatus, LogLine, LogPage } from "./index.js";
import { unwrap } from "./index.js";
import type { Snapshot, Update } from "./messages.js";
import { delay } from "./retry.js";

/** The most lines in a page of the API. */
const PAGE = 1_000;

/** What is new since the last update: the lines, and the job's state after them. */
export interface LogUpdate {
  lines: LogLine[];
  state: Omit<LogPage, "logs">;
}

export interface FollowOptions {
  /** The `next_cursor` of an earlier update, to continue behind it. */
  after?: string;
  /** Ends the following: the follower throws the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Yields each line of a job's log once, in order, together with the job's state, until the job is final and its log is
 * read. It polls; `createLive` follows by push.
 */
export async function* followLog(
  client: JobsClient,
  jobId: number,
  { after, signal }: FollowOptions = {},
): AsyncGenerator<LogUpdate, void, void> {
  const log = new JobLog(client, jobId, after);
  for (;;) {
    const update = await log.pull(signal);
    yield update;
    if (update.state.finished) {
      return;
    }
    // A page with lines may be followed by another one at once.
    if (log.isAtEnd) {
      await delay(update.state.poll_after ?? 1, signal);
    }
  }
}

/** Returns whether a status is the last one of its job. */
export function isFinal(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/**
 * A job's log as one follower has read it: each line once, in order, and the latest state. It does not matter how often
 * and in which order pushes arrive.
 */
export class JobLog {
  /** Whether the last page had nothing new. */
  isAtEnd = false;
  #cursor: number;
  /** The number of the last line that the server has named. */
  #known = 0;
  #state: JobStatus | undefined;

  constructor(
    private readonly client: JobsClient,
    private readonly jobId: number,
    after = "0",
  ) {
    this.#cursor = Number(after);
  }

  /** Whether pushes named lines that have not been read. */
  get isBehind(): boolean {
    return this.#known > this.#cursor;
  }

  /** Whether no further state follows. */
  get isFinal(): boolean {
    return this.#state !== undefined && isFinal(this.#state.status);
  }

  /** Reads the next page. */
  async pull(signal?: AbortSignal): Promise<LogUpdate> {
    const query = { after: String(this.#cursor), limit: PAGE };
    const params = { path: { id: this.jobId }, query };
    const page = (await unwrap(
      this.client.GET("/api/jobs/{id}/logs", { params, ...(signal && { signal }) }),
    )) as LogPage;
    const { logs, next_cursor, finished, ...state } = page;
    this.isAtEnd = logs.length === 0 || Number(next_cursor) === this.#cursor;
    this.#cursor = Number(next_cursor);
    return this.#update(logs, state, finished);
  }

  /** Reads a push. Its lines are left to a page if those before them are missing. */
  push(message: Snapshot | Update): LogUpdate {
    this.#known = Math.max(this.#known, message.to);
    let lines: LogLine[] = [];
    if (message.type === "update" && message.logs && message.from <= this.#cursor + 1) {
      lines = message.logs.filter((line) => line.seq > this.#cursor);
      this.#cursor = lines.at(-1)?.seq ?? this.#cursor;
    }
    // The last page says that the log is finished.
    return this.#update(lines, message.state, false);
  }

  #update(lines: LogLine[], state: JobStatus, finished: boolean): LogUpdate {
    const current = this.#state;
    const isNewer = !current || isFinal(state.status) || state.updated_at >= current.updated_at;
    if (isNewer && !this.isFinal) {
      this.#state = state;
    }
    const latest = this.#state ?? state;
    return { lines, state: { ...latest, next_cursor: String(this.#cursor), finished } };
  }
}
