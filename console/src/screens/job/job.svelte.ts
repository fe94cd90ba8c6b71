/** A job: what the API says of it, its state as it changes, and its log. */
import { client, isFinal, type JobDetails, type LogLine, type LogUpdate, unwrap } from "../../lib/api";
import { type Failure, failureOf, isPassing } from "../../lib/failure";
import { followJob } from "../../lib/live";

/** The lines of a block of the log, which the browser lays out only where it is seen. */
const BLOCK = 100;
const RETRY_MS = 5_000;

export class JobModel {
  #details = $state.raw<JobDetails>();
  #state = $state.raw<LogUpdate["state"]>();
  #blocks = $state.raw<readonly (readonly LogLine[])[]>([]);
  #failure = $state.raw<Failure>();

  constructor(readonly id: number) {}

  get details(): JobDetails | undefined {
    return this.#details;
  }

  /** The state, as new as it is known. */
  get state(): LogUpdate["state"] | JobDetails | undefined {
    // Who has just cancelled the job knows it before the log does.
    const isAhead = this.#details && isFinal(this.#details.status) && this.#state && !isFinal(this.#state.status);
    return isAhead ? this.#details : (this.#state ?? this.#details);
  }

  /** The log in blocks of a hundred lines. */
  get blocks(): readonly (readonly LogLine[])[] {
    return this.#blocks;
  }

  /** The number of lines. */
  get count(): number {
    return Math.max(0, this.#blocks.length - 1) * BLOCK + (this.#blocks.at(-1)?.length ?? 0);
  }

  /** Whether the job is final and every line of its log is here. */
  get isComplete(): boolean {
    return this.#state?.finished === true;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Follows the job until it is final, or `signal` ends it. Continues behind the last line after a failure that passes. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#read(signal);
        return;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.#failure = failureOf(error);
        if (!isPassing(this.#failure)) {
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    await this.load(signal);
    this.#failure = undefined;
    let attempt = this.#details?.attempt;
    const after = this.#state?.next_cursor;
    for await (const { lines, state } of followJob(this.id, { signal, ...(after && { after }) })) {
      // The next follower of the job continues where this one has stopped.
      signal.throwIfAborted();
      this.#append(lines);
      this.#state = state;
      if (state.attempt !== attempt || state.finished) {
        attempt = state.attempt;
        await this.load(signal);
      }
    }
  }

  /** Reads what only the job itself has: its attempts, its configuration and its result. */
  async load(signal?: AbortSignal): Promise<void> {
    const params = { path: { id: this.id } };
    this.#details = await unwrap(client.GET("/api/jobs/{id}", { params, ...(signal && { signal }) }));
  }

  #append(lines: readonly LogLine[]): void {
    const last = this.#blocks.at(-1) ?? [];
    const isFull = last.length === BLOCK;
    const rest = isFull ? lines : [...last, ...lines];
    this.#blocks = [...(isFull ? this.#blocks : this.#blocks.slice(0, -1)), ...inBlocks(rest)];
  }
}

/** Puts lines into blocks. */
export function inBlocks(lines: readonly LogLine[]): LogLine[][] {
  const blocks: LogLine[][] = [];
  for (let at = 0; at < lines.length; at += BLOCK) {
    blocks.push(lines.slice(at, at + BLOCK));
  }
  return blocks;
}
