/** Follows a job's log. */
import type { JobsClient, LogLine, LogPage } from "./index.js";
import { unwrap } from "./index.js";
import { delay } from "./retry.js";

/** What is new since the last update: the lines, and the job's state after them. */
export interface LogUpdate {
  lines: LogLine[];
  state: Omit<LogPage, "logs">;
}

/**
 * Yields each line of a job's log once, in order, together with the job's state, until the job is final and its log is
 * read. `after` continues behind the `next_cursor` of an earlier update.
 */
export async function* followLog(
  client: JobsClient,
  jobId: number,
  { after, signal }: { after?: string; signal?: AbortSignal } = {},
): AsyncGenerator<LogUpdate, void, void> {
  let cursor = after;
  for (;;) {
    const query = cursor === undefined ? {} : { after: cursor };
    const page = await unwrap(
      client.GET("/api/jobs/{id}/logs", {
        params: { path: { id: jobId }, query },
        ...(signal && { signal }),
      }),
    );
    const { logs: lines, ...state } = page as LogPage;
    yield { lines, state };
    if (state.finished) {
      return;
    }
    // A page with lines may be followed by another one at once.
    const isAtEnd = lines.length === 0 || cursor === state.next_cursor;
    cursor = state.next_cursor;
    if (isAtEnd) {
      await delay(state.poll_after ?? 1, signal);
    }
  }
}
