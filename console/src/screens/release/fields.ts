/** The facts of a release as texts in fields. */
import type { Metadata, Release, ReleaseChange } from "../../lib/api";

/** `lines`: several values, each on a line. */
type Kind = "text" | "number" | "area" | "lines";

/** The fields of the release itself. */
export const RELEASE_FIELDS = ["release_type", "name", "group"] as const;

/** The known fields of the metadata. `author` is shown as the first of the authors. */
export const METADATA_FIELDS = {
  title: "text",
  authors: "lines",
  publisher: "text",
  year: "number",
  language: "text",
  isbn: "text",
  series: "text",
  series_index: "text",
  format: "text",
  subjects: "lines",
  description: "area",
} as const satisfies Partial<Record<keyof Metadata, Kind>>;

export type MetadataField = keyof typeof METADATA_FIELDS;
export type FieldName = (typeof RELEASE_FIELDS)[number] | MetadataField;

export const METADATA_NAMES = Object.keys(METADATA_FIELDS) as MetadataField[];

export function isMetadata(field: FieldName): field is MetadataField {
  return field in METADATA_FIELDS;
}

export function kindOf(field: FieldName): Kind {
  return isMetadata(field) ? METADATA_FIELDS[field] : "text";
}

/** Returns the path of a field in the API's problems. */
export function problemField(field: FieldName): string {
  return isMetadata(field) ? `metadata.${field}` : field;
}

/** Returns a value of the metadata as the text of its field. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.join("\n");
  }
  return value === null || value === undefined ? "" : String(value);
}

/** Returns the text of a field of a release. */
export function fieldText(release: Release, field: FieldName): string {
  if (!isMetadata(field)) {
    return release[field] ?? "";
  }
  const { metadata } = release;
  return textOf(field === "authors" ? (metadata.authors ?? metadata.author) : metadata[field]);
}

/** Returns the change of a release that these texts of fields make, if any. An empty text removes a value. */
export function changeOf(edits: Partial<Record<FieldName, string>>, release: Release): ReleaseChange {
  const change: Record<string, unknown> = {};
  const metadata: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(edits) as [FieldName, string][]) {
    if (fieldText(release, name) !== text) {
      (isMetadata(name) ? metadata : change)[name] = valueOf(text, kindOf(name));
    }
  }
  // The list takes the place of the one author.
  if ("authors" in metadata && release.metadata.author) {
    metadata.author = null;
  }
  // The API says what is wrong with a value of another type.
  return { ...change, ...(Object.keys(metadata).length > 0 && { metadata }) } as ReleaseChange;
}

/** Returns the metadata that have no field here. */
export function otherMetadata({ metadata }: Release): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !(name in METADATA_FIELDS) && name !== "author"),
  );
}

function valueOf(text: string, kind: Kind): unknown {
  const trimmed = text.trim();
  if (trimmed === "") {
    return null;
  }
  if (kind === "lines") {
    return trimmed.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  }
  return kind === "number" && /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}
