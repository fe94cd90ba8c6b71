/** The wizard's state: a job, its release, and the release's analysis. All of it is on the server. */
import { client, type Job, unwrap } from "../../lib/api";
import { type Failure, failureOf, isAbort } from "../../lib/failure";
import type { Config } from "../release/config";
import { canOutlive, Editor, releaseEditor, type ReleaseTexts } from "../release/editor.svelte";
import { METADATA_NAMES, textOf } from "../release/fields";
import { ReleaseModel } from "../release/release.svelte";
import { uploadsTo } from "../release/uploads.svelte";
import { Analysis } from "./analysis.svelte";
import type { Situation } from "./steps";

/** A draft that is being made, or a job that it has become. */
export class Wizard {
  #job = $state.raw<Job>();
  #model = $state.raw<ReleaseModel>();
  #analysis = $state.raw<Analysis>();
  #texts = $state.raw<Editor<ReleaseTexts>>();
  #failure = $state.raw<Failure>();

  /** The options of the package. */
  readonly options = new Editor<Record<string, unknown>>({
    current: (name) => this.#job?.config_json[name],
    save: (edits) => this.#saveOptions(edits),
    reload: () => this.#loadJob(),
  });

  constructor(
    readonly id: number,
    readonly signal: AbortSignal,
  ) {}

  get job(): Job | undefined {
    return this.#job;
  }

  get model(): ReleaseModel | undefined {
    return this.#model;
  }

  get analysis(): Analysis | undefined {
    return this.#analysis;
  }

  /** The facts of the release. */
  get texts(): Editor<ReleaseTexts> | undefined {
    return this.#texts;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Whether the job is one that the wizard makes. */
  get isSuitable(): boolean {
    return this.#job?.job_type === "packaging" && this.#job.release_id !== null;
  }

  /** Whether there are changes that are not saved. */
  get isDirty(): boolean {
    return this.options.isDirty || this.#texts?.isDirty === true;
  }

  /** Whether files are on their way to the release. */
  get isUploading(): boolean {
    return this.#model !== undefined && uploadsTo(this.#model.id).isBusy;
  }

  /** The options as they are, with what is not saved yet. */
  get config(): Config {
    return { ...this.#job?.config_json, ...this.options.edits };
  }

  get situation(): Situation {
    return {
      isDraft: this.#job?.status === "draft",
      hasSources: (this.#model?.sources.length ?? 0) > 0,
      hasAnalysis: this.#analysis?.result !== undefined,
      hasOptions: Object.keys(this.#job?.config_json ?? {}).length > 0,
    };
  }

  /** The metadata that the package will have: those of the release, then those of the book. */
  get metadata(): Record<string, unknown> {
    const own = this.#model?.release?.metadata ?? {};
    const found = this.#analysis?.result?.metadata ?? {};
    const names = new Set([...METADATA_NAMES, "author" as const]);
    return Object.fromEntries(
      [...names].map((name) => [name, textOf(own[name]) === "" ? found[name] : own[name]]),
    );
  }

  /** Reads the job and all that belongs to it. */
  async load(): Promise<void> {
    this.#failure = undefined;
    try {
      await this.#loadJob(this.signal);
      const release = this.#job?.release_id;
      if (this.isSuitable && release) {
        const model = new ReleaseModel(release);
        const analysis = new Analysis(release, this.signal);
        await Promise.all([model.load(this.signal), analysis.load()]);
        this.#texts = releaseEditor(model);
        this.#analysis = analysis;
        this.#model = model;
      }
    } catch (error) {
      this.#failure = isAbort(error) ? undefined : failureOf(error);
    }
  }

  /** Submits the draft, once its changes are saved and its files are there. Returns why not, if it is refused. */
  async submit(): Promise<Failure | undefined> {
    if (!(await this.options.save()) || !(await this.#texts?.save()) || this.isUploading) {
      // The editors have the reason, or the screen.
      return undefined;
    }
    try {
      const params = { path: { id: this.id } };
      this.#job = await unwrap(client.PUT("/api/jobs/{id}/submit", { params, body: {} }));
      return undefined;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** Without `signal`, it is read even if the screen is gone: what was typed last is saved then, too. */
  async #loadJob(signal?: AbortSignal): Promise<void> {
    const params = { path: { id: this.id } };
    this.#job = await unwrap(client.GET("/api/jobs/{id}", { params, ...(signal && { signal }) }));
  }

  async #saveOptions(config_json: Record<string, unknown>): Promise<void> {
    try {
      const params = { path: { id: this.id } };
      const body = { config_json };
      const keepalive = canOutlive(body);
      this.#job = await unwrap(client.PATCH("/api/jobs/{id}", { params, body, keepalive }));
    } catch (error) {
      await this.#refused(error);
      throw error;
    }
  }

  /** A draft that was submitted in another tab is none here, either. */
  async #refused(error: unknown): Promise<Failure | undefined> {
    const failure = failureOf(error);
    if (failure.type !== "urn:jobs:job-not-draft") {
      return failure;
    }
    try {
      await this.#loadJob();
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  }
}
