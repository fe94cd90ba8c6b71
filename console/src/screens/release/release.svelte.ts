/** A release with its files. */
import { client, type Release, type ReleaseFile, unwrap } from "../../lib/api";
import { type Failure, failureOf, isAbort } from "../../lib/failure";

/** The most files in a page of the API. */
const PAGE = 500;
/** The API signs downloads for 15 minutes at most. */
const LINKS_LAST_MS = 10 * 60_000;

type Files = readonly ReleaseFile[];

/** A release and its files, as the server last had them. */
export class ReleaseModel {
  #release = $state.raw<Release>();
  #files = $state.raw<Files>();
  #failure = $state.raw<Failure>();
  #filesFailure = $state.raw<Failure>();
  #filesReadAt = 0;
  #updates = 0;
  #turns = 0;
  #turn = 0;

  constructor(readonly id: number) {}

  get release(): Release | undefined {
    return this.#release;
  }

  /** The files, source files first; nothing before they are read. */
  get files(): Files | undefined {
    return this.#files;
  }

  get sources(): Files {
    return (this.#files ?? []).filter(isSource);
  }

  get packageFiles(): Files {
    return (this.#files ?? []).filter((file) => !isSource(file));
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get filesFailure(): Failure | undefined {
    return this.#filesFailure;
  }

  /** Reads the release and its files. */
  async load(signal?: AbortSignal): Promise<void> {
    await Promise.all([this.loadRelease(signal), this.loadFiles(signal)]);
  }

  async loadRelease(signal?: AbortSignal): Promise<void> {
    this.#failure = undefined;
    try {
      await this.read(signal);
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    }
  }

  /** Reads the release. Throws what goes wrong. */
  async read(signal?: AbortSignal): Promise<void> {
    const updates = this.#updates;
    const params = { path: { id: this.id } };
    const answer = client.GET("/api/releases/{id}", { params, ...(signal && { signal }) });
    const release = await unwrap(answer);
    // What was changed meanwhile is newer.
    if (updates === this.#updates) {
      this.#release = release;
    }
  }

  async loadFiles(signal?: AbortSignal): Promise<void> {
    const turn = ++this.#turns;
    this.#filesFailure = undefined;
    try {
      const files: ReleaseFile[] = [];
      const readAt = Date.now();
      let cursor: string | null = null;
      do {
        const query: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor && { cursor }) };
        const params = { path: { id: this.id }, query };
        const page: { files: ReleaseFile[]; next_cursor: string | null } = await unwrap(
          client.GET("/api/releases/{id}/files", { params, ...(signal && { signal }) }),
        );
        files.push(...page.files);
        cursor = page.next_cursor;
      } while (cursor !== null);
      // The answers of two requests may come in any order.
      if (turn > this.#turn) {
        this.#turn = turn;
        this.#files = files;
        this.#filesReadAt = readAt;
      }
    } catch (error) {
      this.#filesFailure = isAbort(error) ? undefined : failureOf(error);
    }
  }

  /** Takes in a newer state of the release. */
  update(release: Release): void {
    this.#updates += 1;
    this.#release = release;
  }

  /** Whether the links of the files may have ended. */
  get areLinksOld(): boolean {
    return Date.now() - this.#filesReadAt > LINKS_LAST_MS;
  }

  /** Returns the current link of a file; nothing if there is no such file now, or if the files cannot be read. */
  async newLink(path: string): Promise<string | undefined> {
    await this.loadFiles();
    return this.#filesFailure ? undefined : this.#files?.find((file) => file.path === path)?.url;
  }

  /** Deletes a source file. */
  async deleteFile(path: string): Promise<void> {
    const params = { path: { id: this.id }, query: { path } };
    await unwrap(client.DELETE("/api/releases/{id}/files", { params }));
    // What was asked for before still has the file.
    this.#turn = ++this.#turns;
    this.#files = this.#files?.filter((file) => file.path !== path);
  }

  /** Makes a replaced package the current one. */
  async restore(job: number): Promise<void> {
    const params = { path: { id: this.id } };
    const body = { job_id: job };
    this.update(await unwrap(client.PUT("/api/releases/{id}/package", { params, body })));
    await this.loadFiles();
  }
}

/** Whether a file is not one of the package. */
export function isSource({ path }: ReleaseFile): boolean {
  return path.startsWith("source/");
}

/** Returns how people call a release: its title, or else its name; nothing if it has none. */
export function titleOf({ metadata, name }: Release): string | undefined {
  return metadata.title || name || undefined;
}
