/** The jobs of one release, of all users who may work on it. */
import { client, isFinal, type JobSummary, unwrap } from "../../lib/api";
import { LiveJobs } from "../../lib/live-jobs";

const PAGE = 20;

/** The jobs of a release, newest first, and live. */
export class ReleaseJobs extends LiveJobs {
  constructor(
    readonly release: number,
    /** Called when a job has ended, and may have changed the release. */
    readonly onended: () => void,
  ) {
    super(async (cursor, signal) => {
      const params = { path: { id: release }, query: { limit: PAGE, ...(cursor && { cursor }) } };
      const page = await unwrap(
        client.GET("/api/releases/{id}/jobs", { params, ...(signal && { signal }) }),
      );
      return { entries: page.jobs, next: page.next_cursor };
    });
  }

  protected followed() {
    return { query: { release_id: this.release }, shown: () => this.entries };
  }

  /** Takes in jobs that are new or have changed. */
  update(changed: readonly JobSummary[]): void {
    const known = new Map(this.entries.map((job) => [job.id, job]));
    const hasEnded = changed.some(({ id, status }) => {
      const before = known.get(id);
      return isFinal(status) && before !== undefined && !isFinal(before.status);
    });
    // Ids grow with time. Older jobs come with their page.
    const oldest = this.hasMore ? (this.entries.at(-1)?.id ?? 0) : 0;
    for (const job of changed) {
      if (job.release_id === this.release && job.id >= oldest) {
        known.set(job.id, job);
      }
    }
    this.entries = [...known.values()].sort((one, other) => other.id - one.id);
    if (hasEnded) {
      this.onended();
    }
  }
}
