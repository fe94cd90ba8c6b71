/** The configuration of a job as the fields of a form. */
import type { JobType, Metadata } from "../../lib/api";

/** A job's configuration. A field that is null counts as absent. */
export type Config = Readonly<Record<string, unknown>>;

export const COMPRESSIONS = ["store", "normal", "high"] as const;

/** The generated files, and whether a package has them by default. */
export const GENERATED = Object.entries({ nfo: true, diz: true, opf: false, onix: false, sfv: true });

/** The most characters that a template may have; the API counts bytes. */
export const MAX_TEMPLATE = 32_768;

const MIB = 1_048_576;

/** The switches of the types that have no other option. */
export const SWITCHES = {
  nfofix: "dry_run",
  dirfix: "dry_run",
  readnfo: "apply",
} as const satisfies Partial<Record<JobType, string>>;

/** Returns the text of the field for the size of a volume, in MiB. */
export function volumeText(bytes: unknown): string {
  return typeof bytes === "number" ? String(bytes / MIB) : "";
}

/** Returns the size of a volume in bytes; null for none. What is no number is left to the API to refuse. */
export function volumeSize(text: string): number | string | null {
  const trimmed = text.trim().replace(",", ".");
  if (trimmed === "") {
    return null;
  }
  return /^\d+(\.\d+)?$/.test(trimmed) ? Math.round(Number(trimmed) * MIB) : trimmed;
}

/** Returns a configuration without the fields that are not set. */
export function compact(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== null && value !== ""),
  );
}

const NAME = /^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*-[A-Za-z0-9]{1,32}$/;

/** Whether a release name keeps the rules: its characters, its length, and a group at its end. */
export function isReleaseName(name: string): boolean {
  return NAME.test(name) && name.length >= 8 && name.length <= 160;
}

/**
 * Returns `Author.Name-The.Title-Year-GROUP`, if that is certain: no name is proposed for a title with letters that the
 * system spells, or one that it would cut.
 */
export function proposeName(metadata: Metadata, group: string): string | undefined {
  const { title, author, authors, year } = metadata;
  const first = authors === undefined || authors === null || authors.length === 0 ? author : authors;
  const parts = [Array.isArray(first) ? first[0] : first, title, year].filter(
    (part) => part !== null && part !== undefined && part !== "",
  );
  const name = [...parts.map((part) => joinWords(String(part))), group].join("-");
  return title && isReleaseName(name) ? name : undefined;
}

/** Joins the words of a text with dots. An accent is left out, and an apostrophe within a word. */
function joinWords(text: string): string {
  const plain = text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/['\u2019]/g, "");
  // Other letters stay, so that the name is seen to be none.
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "").join(".");
}
