/** The jobs of all users that an admin looks after: running, waiting, and failed lately. */
import { client, type JobSummary, type Status, unwrap, type WaitingFor } from "../../lib/api";
import { type Failure, failureOf, isAbort } from "../../lib/failure";
import { followJobs } from "../../lib/live";

/** The most jobs that the API lists in a page. */
const PAGE = 100;
/** The API may search a part of the jobs for a page, and find few or none. */
const MAX_PAGES = 5;
/** For this many jobs that wait, the reason is read. */
const MAX_REASONS = 20;
/** How long after a change the reasons are read again. On a busy system, there are many changes. */
const REASONS_MS = 5_000;
/** What is shown. */
const SHOWN: readonly Status[] = ["running", "pending", "failed"];
const DAY_MS = 86_400_000;

/** Failed jobs with one error code. */
export interface FailedGroup {
  code: string;
  jobs: readonly JobSummary[];
}

/** The newest jobs in each of these states, kept up to date. */
export class Operations {
  #jobs = $state.raw<ReadonlyMap<number, JobSummary>>(new Map());
  #reasons = $state.raw<ReadonlyMap<number, WaitingFor>>(new Map());
  #more = $state.raw<ReadonlySet<Status>>(new Set());
  #isLoaded = $state(false);
  #timer = 0;
  #failure = $state.raw<Failure>();

  /** The failed ones are those that were created since then. */
  get since(): string {
    return new Date(Date.now() - DAY_MS).toISOString();
  }

  readonly running = $derived(this.#with("running"));
  readonly pending = $derived(this.#with("pending"));

  /** The failed jobs by their error code, the most frequent one first. */
  readonly failed: readonly FailedGroup[] = $derived.by(() => {
    const recent = this.#with("failed").filter((job) => job.created_at >= this.since);
    const codes = new Set(recent.map((job) => job.error?.code ?? "failed"));
    return [...codes]
      .map((code) => ({ code, jobs: recent.filter((job) => (job.error?.code ?? "failed") === code) }))
      .sort((one, other) => other.jobs.length - one.jobs.length);
  });

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Whether there are more jobs with this status than are shown. */
  hasMore(status: Status): boolean {
    return this.#more.has(status);
  }

  /** Why a job waits, if that was read. */
  reason(id: number): WaitingFor | undefined {
    return this.#reasons.get(id);
  }

  async load(signal: AbortSignal): Promise<void> {
    this.#failure = undefined;
    this.#more = new Set();
    try {
      const [running, pending, failed] = await Promise.all([
        this.#newest({ status: ["running"] }, signal),
        this.#newest({ status: ["pending"] }, signal),
        this.#newest({ status: ["failed"], created_after: this.since }, signal),
      ]);
      const all = [...running, ...pending, ...failed];
      this.#jobs = new Map(all.map((job) => [job.id, job]));
      this.#isLoaded = true;
      await this.#readReasons(pending, signal);
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    }
  }

  /** Keeps the lists up to date until `signal` ends it. */
  async follow(signal: AbortSignal): Promise<void> {
    const shown = () => [...this.running, ...this.pending];
    try {
      for await (const changed of followJobs(client, { signal, query: {}, shown })) {
        const all = new Map([...this.#jobs, ...changed.map((job) => [job.id, job] as const)]);
        this.#jobs = new Map([...all].filter(([, { status }]) => SHOWN.includes(status)));
        this.#readReasonsSoon(signal);
      }
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    }
  }

  async #newest(
    query: { status: Status[]; created_after?: string },
    signal: AbortSignal,
  ): Promise<readonly JobSummary[]> {
    const jobs: JobSummary[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < MAX_PAGES && jobs.length < PAGE; pages++) {
      const params = { query: { ...query, limit: PAGE, ...(cursor && { cursor }) } };
      const page: { jobs: JobSummary[]; next_cursor: string | null } = await unwrap(
        client.GET("/api/jobs", { params, signal }),
      );
      jobs.push(...page.jobs);
      cursor = page.next_cursor;
      if (cursor === null) {
        return jobs;
      }
    }
    this.#more = new Set([...this.#more, ...query.status]);
    return jobs;
  }

  #readReasonsSoon(signal: AbortSignal): void {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      // They are read again after the next change.
      this.#readReasons(this.pending, signal).catch(() => undefined);
    }, REASONS_MS);
  }

  async #readReasons(pending: readonly JobSummary[], signal: AbortSignal): Promise<void> {
    const oldest = pending.slice(-MAX_REASONS);
    const states = await Promise.all(
      oldest.map(({ id }) =>
        unwrap(client.GET("/api/jobs/{id}/status", { params: { path: { id } }, signal })),
      ),
    );
    this.#reasons = new Map(
      states.flatMap(({ job_id, waiting_for }) => (waiting_for ? [[job_id, waiting_for] as const] : [])),
    );
  }

  #with(status: Status): readonly JobSummary[] {
    const jobs = [...this.#jobs.values()].filter((job) => job.status === status);
    return jobs.sort((one, other) => other.id - one.id);
  }
}
