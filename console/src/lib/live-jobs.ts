/** A list of jobs that is loaded page by page, and follows what happens to them. */
import { client, type JobSummary } from "./api";
import { failureOf, isAbort } from "./failure";
import { type FollowJobs, followJobs } from "./live";
import { Pages } from "./pages.svelte";

export abstract class LiveJobs extends Pages<JobSummary> {
  #isFollowing = false;

  /** The jobs that are asked for, and those that are known. */
  protected abstract followed(): Pick<FollowJobs, "query" | "shown">;

  /** Takes in jobs that are new or have changed. */
  abstract update(changed: readonly JobSummary[]): void;

  /** Loads the first page, or what has failed, and keeps the list up to date until `signal` ends it. */
  async follow(signal: AbortSignal): Promise<void> {
    await this.loadMore(signal);
    // What changes meanwhile is asked for as soon as the list is followed.
    if (this.#isFollowing || !this.isLoaded) {
      return;
    }
    this.#isFollowing = true;
    try {
      for await (const changed of followJobs(client, { signal, ...this.followed() })) {
        this.update(changed);
      }
    } catch (error) {
      this.failure = isAbort(error) ? undefined : failureOf(error);
    } finally {
      this.#isFollowing = false;
    }
  }
}
