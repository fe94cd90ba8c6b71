/** The uploads to a release: a few at once. Each can be stopped and retried, and continues on other screens. */
import type { Source } from "../../lib/dropped";
import { type Failure, failureOf } from "../../lib/failure";
import { session } from "../../lib/session.svelte";
import { upload, UploadError } from "../../lib/upload";

const AT_ONCE = 3;

export type UploadState = "waiting" | "sending" | "done" | "failed" | "stopped";

/** One file on its way. */
export class Upload {
  state = $state<UploadState>("waiting");
  sent = $state(0);
  failure = $state.raw<Failure>();
  #stop = new AbortController();

  constructor(readonly source: Source) {}

  get isOpen(): boolean {
    return this.state === "waiting" || this.state === "sending";
  }

  get percent(): number {
    const { size } = this.source.file;
    return size === 0 ? 0 : Math.floor((100 * this.sent) / size);
  }

  /** Sends the file. */
  async run(release: number): Promise<void> {
    const { path, file } = this.source;
    this.#stop = new AbortController();
    this.state = "sending";
    this.sent = 0;
    this.failure = undefined;
    try {
      await upload(release, path, file, {
        signal: this.#stop.signal,
        onprogress: (sent) => (this.sent = sent),
      });
      this.state = "done";
    } catch (error) {
      this.state = this.#stop.signal.aborted ? "stopped" : "failed";
      this.failure = uploadFailureOf(error);
    }
  }

  /** Puts the file at the end of those that wait. */
  wait(): void {
    this.state = "waiting";
    this.failure = undefined;
  }

  stop(): void {
    this.#stop.abort();
    this.state = "stopped";
  }
}

/** The uploads to one release. */
export class Uploads {
  #all = $state.raw<readonly Upload[]>([]);
  #arrivals = $state(0);

  constructor(readonly release: number) {}

  get all(): readonly Upload[] {
    return this.#all;
  }

  /** Whether a file is on its way or waits for its turn. */
  get isBusy(): boolean {
    return this.#all.some((upload) => upload.isOpen);
  }

  /** Whether a file has arrived and is not listed yet. */
  get hasArrived(): boolean {
    return this.#all.some(({ state }) => state === "done");
  }

  /** How often a file has arrived: a screen reads the list of files again when it changes. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Adds files. One with the path of an earlier file takes its place. */
  add(sources: readonly Source[]): void {
    const paths = new Set(sources.map(({ path }) => path));
    const replaced = this.#all.filter(({ source }) => paths.has(source.path));
    for (const upload of replaced.filter(({ isOpen }) => isOpen)) {
      upload.stop();
    }
    const kept = this.#all.filter((upload) => !replaced.includes(upload));
    this.#all = [...kept, ...sources.map((source) => new Upload(source))];
    this.#startNext();
  }

  retry(upload: Upload): void {
    upload.wait();
    this.#startNext();
  }

  remove(upload: Upload): void {
    if (upload.isOpen) {
      upload.stop();
    }
    this.#all = this.#all.filter((other) => other !== upload);
  }

  /** Forgets the files that have arrived and are `listed`. */
  clearDone(listed: (upload: Upload) => boolean): void {
    this.#all = this.#all.filter((upload) => upload.state !== "done" || !listed(upload));
  }

  /** Stops all that is open. */
  stop(): void {
    for (const upload of this.#all.filter(({ isOpen }) => isOpen)) {
      upload.stop();
    }
  }

  /** Tries the files again that lost their connection. */
  retryLost(): void {
    for (const upload of this.#all.filter(({ failure }) => failure?.kind === "offline")) {
      this.retry(upload);
    }
  }

  #startNext(): void {
    const sending = this.#all.filter(({ state }) => state === "sending").length;
    const waiting = this.#all.filter(({ state }) => state === "waiting");
    for (const upload of waiting.slice(0, Math.max(0, AT_ONCE - sending))) {
      void upload.run(this.release).then(() => {
        this.#arrivals += upload.state === "done" ? 1 : 0;
        this.#startNext();
      });
    }
  }
}

/** The uploads of the signed-in user, by release. */
const known = new Map<number, Uploads>();

/** Returns the uploads of the signed-in user to a release. */
export function uploadsTo(release: number): Uploads {
  const uploads = known.get(release) ?? new Uploads(release);
  known.set(release, uploads);
  return uploads;
}

// What one user has begun is not sent as another one.
session.onend(() => {
  known.forEach((uploads) => uploads.stop());
  known.clear();
});
addEventListener("online", () => known.forEach((uploads) => uploads.retryLost()));
addEventListener("beforeunload", (event) => {
  if ([...known.values()].some(({ isBusy }) => isBusy)) {
    event.preventDefault();
  }
});

function uploadFailureOf(error: unknown): Failure {
  if (!(error instanceof UploadError)) {
    return failureOf(error);
  }
  if (error.status === 0) {
    return { kind: "offline" };
  }
  return { kind: error.status >= 500 ? "unavailable" : "refused" };
}
