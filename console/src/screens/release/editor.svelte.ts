/** Editing of something on the server: what the user has typed lies over what the server has. */
import { client, type Release, unwrap } from "../../lib/api";
import { type Failure, failureOf } from "../../lib/failure";
import { changeOf, type FieldName, fieldText } from "./fields";

const SAVE_AFTER_MS = 600;
/** For this long after a save, the server is taken to have what it answered. */
const FRESH_MS = 2_000;
/** Browsers refuse a larger request that outlives its page. */
const MAX_OUTLIVING_BYTES = 60_000;

interface Target<T> {
  /** Returns what the server last had, as the value of a field. */
  current: (name: keyof T) => unknown;
  /** Sends changes, also while the page is being closed. */
  save: (changes: Partial<T>) => Promise<void>;
  /** Reads what the server has now. */
  reload: () => Promise<void>;
}

/** The value of a field as the user has it. */
interface Edit {
  value: unknown;
  /** What the server had when the user began to change it. */
  base: unknown;
  isSaved: boolean;
}

type Edits<T> = readonly (readonly [keyof T, Edit])[];

/**
 * What the user has typed. It outlives a refusal, and a newer state of what it changes. What is saved stays in its field
 * as it was typed, though the server has it in other words: without the space at its end, which another word follows.
 */
export class Editor<T extends object> {
  #edits = $state.raw<ReadonlyMap<keyof T, Edit>>(new Map());
  #failure = $state.raw<Failure>();
  #saving = $state.raw<Promise<void>>();
  #savedAt = -Infinity;
  #timer = 0;

  constructor(readonly target: Target<T>) {}

  /** What the fields show in place of the server's values. */
  get edits(): Partial<T> {
    return valuesOf(
      [...this.#edits].filter(([name, { base, isSaved }]) => !isSaved || base === this.target.current(name)),
    );
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get isSaving(): boolean {
    return this.#saving !== undefined;
  }

  get isDirty(): boolean {
    return this.#changes.length > 0;
  }

  /** Whether the server's state was changed meanwhile, and the changes have to be saved again. */
  get isConflict(): boolean {
    return this.#failure?.type?.endsWith("-changed") === true;
  }

  get #changes(): Edits<T> {
    return [...this.#edits].filter(([, { isSaved }]) => !isSaved);
  }

  set<K extends keyof T>(name: K, value: T[K]): void {
    const edit = this.#edits.get(name);
    const base = edit && !edit.isSaved ? edit.base : this.target.current(name);
    this.#edits = new Map(this.#edits).set(name, { value, base, isSaved: false });
  }

  /** Saves soon, once nothing changes for a moment. A conflict is left to the user. */
  saveSoon(): void {
    clearTimeout(this.#timer);
    if (!this.isConflict) {
      this.#timer = setTimeout(() => void this.save(), SAVE_AFTER_MS);
    }
  }

  /** Forgets what was typed. */
  discard(): void {
    this.#edits = new Map();
    this.#failure = undefined;
  }

  /** Saves the changes. Returns whether the server has all of them. */
  async save(): Promise<boolean> {
    clearTimeout(this.#timer);
    // A page that is being closed has no time to wait.
    while (this.#saving && !document.hidden) {
      await this.#saving;
    }
    if (this.isDirty) {
      this.#saving = this.#send().finally(() => (this.#saving = undefined));
      await this.#saving;
    }
    return !this.isDirty;
  }

  async #send(): Promise<void> {
    const { target } = this;
    this.#failure = undefined;
    try {
      if (!document.hidden && performance.now() - this.#savedAt > FRESH_MS) {
        await target.reload();
      }
      const changes = this.#changes;
      const isOverwriting = changes.some(([name, { value, base }]) => {
        const current = target.current(name);
        return current !== base && current !== value;
      });
      if (isOverwriting) {
        this.#failure = { kind: "refused", type: "urn:jobs:release-changed" };
      } else {
        await target.save(valuesOf(changes));
        this.#savedAt = performance.now();
      }
      this.#rebase(changes, !isOverwriting);
    } catch (error) {
      this.#failure = failureOf(error);
      if (this.isConflict) {
        // The API itself has seen the other change, which was made at the same moment.
        await this.#reread();
      }
    }
  }

  async #reread(): Promise<void> {
    this.#savedAt = -Infinity;
    try {
      await this.target.reload();
      this.#rebase(this.#changes, false);
    } catch (error) {
      this.#failure = failureOf(error);
    }
  }

  /** Notes that the server's values are known, and perhaps that they are those that were sent. */
  #rebase(changes: Edits<T>, isSaved: boolean): void {
    const edits = new Map(this.#edits);
    for (const [name, sent] of changes) {
      const edit = edits.get(name);
      if (edit) {
        const base = this.target.current(name);
        edits.set(name, { ...edit, base, isSaved: isSaved && edit === sent });
      }
    }
    this.#edits = edits;
  }
}

function valuesOf<T>(edits: Edits<T>): Partial<T> {
  return Object.fromEntries(edits.map(([name, { value }]) => [name, value])) as Partial<T>;
}

/** Whether a request with this body may outlive its page. */
export function canOutlive(body: unknown): boolean {
  return new Blob([JSON.stringify(body)]).size < MAX_OUTLIVING_BYTES;
}

/** What a release's editor needs of the model of the release. */
interface Model {
  readonly id: number;
  readonly release: Release | undefined;
  update(release: Release): void;
  read(): Promise<void>;
}

/** The texts of a release's fields. */
export type ReleaseTexts = Record<FieldName, string>;

/** Edits the facts of a release. */
export function releaseEditor(model: Model): Editor<ReleaseTexts> {
  return new Editor<ReleaseTexts>({
    current: (name) => model.release && fieldText(model.release, name),
    reload: () => model.read(),
    save: async (texts) => {
      const { id, release } = model;
      const body = release && changeOf(texts, release);
      if (body && Object.keys(body).length > 0) {
        const params = { path: { id } };
        const keepalive = canOutlive(body);
        model.update(await unwrap(client.PATCH("/api/releases/{id}", { params, body, keepalive })));
      }
    },
  });
}
