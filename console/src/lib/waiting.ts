/** Why a job waits, in words. */
import type { WaitingFor } from "./api";
import { dateTime } from "./format";
import { i18n } from "./i18n.svelte";

/** Returns the reason why a pending job does not run. */
export function waitingText(waiting: WaitingFor): string {
  const t = i18n.t.waiting;
  switch (waiting.reason) {
    case "queue":
      return t.queue;
    case "release":
      return t.release(waiting.job_id);
    case "user_limit":
      return t.user_limit(waiting.limit);
    case "backoff":
      return t.backoff(dateTime(waiting.until));
  }
}
