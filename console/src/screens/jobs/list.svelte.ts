/** The list of jobs: what is loaded, what is new, what is selected. */
import { client, isFinal, unwrap, type JobSummary } from "../../lib/api";
import { LiveJobs } from "../../lib/live-jobs";
import { type Filters, listQuery, matches } from "./filters";

const PAGE = 50;

/** The jobs that match some filters, newest first. Another choice of filters is another list. */
export class JobList extends LiveJobs {
  #arrived = $state.raw<readonly JobSummary[]>([]);

  #selected = $state.raw<ReadonlySet<number>>(new Set());

  constructor(
    readonly filters: Filters,
    /** Receives each job that ends. */
    readonly onended: (job: JobSummary) => void,
  ) {
    super(async (cursor, signal) => {
      const query = { ...listQuery(filters), limit: PAGE, ...(cursor && { cursor }) };
      const page = await unwrap(
        client.GET("/api/jobs", { params: { query }, ...(signal && { signal }) }),
      );
      return { entries: page.jobs, next: page.next_cursor };
    });
  }

  /** Jobs that are not in the list, but belong there. They are not in it until the user asks for them: rows do not jump. */
  get arrived(): readonly JobSummary[] {
    return this.#arrived;
  }

  /** The ids of the selected jobs. */
  get selected(): ReadonlySet<number> {
    return this.#selected;
  }

  get selectedJobs(): JobSummary[] {
    return this.entries.filter((job) => this.selected.has(job.id));
  }

  protected followed() {
    const { type, release, user } = this.filters;
    const query = {
      ...(type && { job_type: type }),
      ...(release && { release_id: Number(release) }),
      ...(user && { user_id: Number(user) }),
    };
    return { query, shown: () => [...this.#arrived, ...this.entries] };
  }

  /** Takes in jobs that are new or have changed. */
  update(changed: readonly JobSummary[]): void {
    const byId = new Map(changed.map((job) => [job.id, job]));
    this.entries = this.entries.map((job) => {
      const update = byId.get(job.id) ?? job;
      if (isFinal(update.status) && !isFinal(job.status)) {
        this.onended(update);
      }
      return update;
    });
    const known = new Set(this.entries.map((job) => job.id));
    // Ids grow with time. Older jobs come with their page.
    const oldest = this.hasMore ? (this.entries.at(-1)?.id ?? 0) : 0;
    const isNew = (job: JobSummary) => !known.has(job.id) && job.id > oldest && matches(job, this.filters);
    const rest = this.#arrived.filter((job) => !byId.has(job.id));
    this.#arrived = newestFirst([...rest, ...changed.filter(isNew)]);
  }

  /** Puts the new jobs into the list. */
  showArrived(): void {
    this.entries = newestFirst([...this.#arrived, ...this.entries]);
    this.#arrived = [];
  }

  select(id: number, isSelected: boolean): void {
    const others = [...this.#selected].filter((other) => other !== id);
    this.#selected = new Set(isSelected ? [...others, id] : others);
  }

  clearSelection(): void {
    this.#selected = new Set();
  }
}

function newestFirst(jobs: JobSummary[]): JobSummary[] {
  return jobs.sort((one, other) => other.id - one.id);
}
