/** A list that is loaded page by page. */
import { type Failure, failureOf, isAbort } from "./failure";

/** One page, and the cursor of the next one. */
export interface Page<T> {
  entries: readonly T[];
  next: string | null;
}

/** The entries of a list as far as they are loaded. */
export class Pages<T> {
  #entries = $state.raw<readonly T[]>([]);
  #cursor = $state.raw<string | null>();
  #isLoading = $state(false);
  #failure = $state.raw<Failure>();

  constructor(
    /** Reads the page at a cursor, or the first one. */
    readonly read: (cursor: string | undefined, signal: AbortSignal | undefined) => Promise<Page<T>>,
  ) {}

  get entries(): readonly T[] {
    return this.#entries;
  }

  /** Replaces the entries that are loaded, because some have changed. */
  set entries(entries: readonly T[]) {
    this.#entries = entries;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  set failure(failure: Failure | undefined) {
    this.#failure = failure;
  }

  get isLoading(): boolean {
    return this.#isLoading;
  }

  /** Whether a page was loaded. */
  get isLoaded(): boolean {
    return this.#cursor !== undefined;
  }

  get hasMore(): boolean {
    return typeof this.#cursor === "string";
  }

  /** Loads the next page, which is the first one at the beginning; nothing at the end. */
  async loadMore(signal?: AbortSignal): Promise<void> {
    if (this.#isLoading) {
      return;
    }
    this.#failure = undefined;
    if (this.#cursor === null) {
      return;
    }
    this.#isLoading = true;
    try {
      const { entries, next } = await this.read(this.#cursor ?? undefined, signal);
      this.#entries = [...this.#entries, ...entries];
      this.#cursor = next;
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    } finally {
      this.#isLoading = false;
    }
  }
}
