/** The analysis of the release's book. */
import { client, isFinal, type JobAnalysis, type ReleaseFile, unwrap } from "../../lib/api";
import { type Failure, failureOf, isAbort, isPassing } from "../../lib/failure";
import { RequestKey } from "../../lib/request-key";
import { JobModel } from "../job/job.svelte";

/** Extensions of books, for the choice among several files. */
const BOOK = /\.(epub|pdf|cbz|cbr|mobi|azw3?|fb2|djvu|chm)$/i;

/** The newest analysis of a release. */
export class Analysis {
  #run = $state.raw<JobModel>();
  #result = $state.raw<JobAnalysis>();
  #failure = $state.raw<Failure>();
  #isLoaded = $state(false);
  #isStarting = $state(false);
  #createdAt = "";
  readonly #key = new RequestKey();

  constructor(
    readonly release: number,
    readonly signal: AbortSignal,
  ) {}

  get run(): JobModel | undefined {
    return this.#run;
  }

  /** What was found, once the job is completed. */
  get result(): JobAnalysis | undefined {
    return this.#result;
  }

  get failure(): Failure | undefined {
    const failure = this.#run?.failure;
    // The run continues by itself after one that passes.
    return this.#failure ?? (failure && !isPassing(failure) ? failure : undefined);
  }

  /** Whether it is known if there is an analysis. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Whether a new one is needed: there is none, or a source file is newer. */
  isDue(sources: readonly ReleaseFile[]): boolean {
    const isReady = this.#isLoaded && !this.#isStarting && !this.#failure && sources.length > 0;
    const created = Date.parse(this.#createdAt);
    return isReady && (!this.#run || sources.some(({ last_modified: time }) => time && Date.parse(time) > created));
  }

  /** Finds the newest analysis, and reads its result or follows it. */
  async load(): Promise<void> {
    try {
      const params = {
        path: { id: this.release },
        query: { job_type: ["analysis" as const], limit: 1 },
      };
      const { signal } = this;
      const page = await unwrap(client.GET("/api/releases/{id}/jobs", { params, signal }));
      const job = page.jobs[0];
      const followed = job && this.#follow(job.id, job.created_at);
      if (job && isFinal(job.status)) {
        await followed;
      }
      this.#isLoaded = true;
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    }
  }

  /** Starts a new analysis of a file; by default of the likeliest book. */
  async start(sources: readonly ReleaseFile[], path = bookOf(sources)): Promise<void> {
    this.#isStarting = true;
    this.#failure = undefined;
    try {
      const config_json = path === undefined ? {} : { path };
      const body = { job_type: "analysis" as const, release_id: this.release, config_json };
      const params = { header: { "Idempotency-Key": this.#key.for(body) } };
      const job = await unwrap(client.POST("/api/jobs", { params, body }));
      this.#key.renew();
      void this.#follow(job.id, job.created_at);
    } catch (error) {
      this.#failure = failureOf(error);
    } finally {
      this.#isStarting = false;
    }
  }

  async #follow(id: number, createdAt: string): Promise<void> {
    const run = new JobModel(id);
    this.#run = run;
    this.#createdAt = createdAt;
    this.#result = undefined;
    await run.follow(this.signal);
    if (run.state?.status !== "completed" || run !== this.#run) {
      return;
    }
    try {
      const params = { path: { job_id: id } };
      const { signal } = this;
      this.#result = await unwrap(client.GET("/api/wizard/jobs/{job_id}/analysis", { params, signal }));
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    }
  }
}

/** Returns the path of the likeliest book; nothing if there is no choice. */
export function bookOf(sources: readonly ReleaseFile[]): string | undefined {
  return sources.length > 1 ? (sources.find(({ path }) => BOOK.test(path)) ?? sources[0])?.path : undefined;
}
