/** What went wrong, in a form that a screen can show. */
import { ApiError } from "jobs-client";

import { NetworkError } from "./connection.svelte";

/** `refused` is what the API itself says no to; `busy` and `unavailable` pass by themselves. */
export type FailureKind =
  | "offline"
  | "signed-out"
  | "forbidden"
  | "gone"
  | "busy"
  | "unavailable"
  | "refused"
  | "unexpected";

export interface Failure {
  kind: FailureKind;
  /** The API's own words. */
  detail?: string;
  /** The problem's stable type: `urn:jobs:release-changed`. */
  type?: string;
  /** What is wrong with single fields, by the field's path: `metadata.year`. */
  fields?: ReadonlyMap<string, string>;
  /** What an operator finds the request by. */
  requestId?: string;
}

/** Says what kind of failure an error is. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) {
    const { problem } = error;
    return {
      kind: kindOf(error.status, problem !== undefined),
      ...(problem && { detail: problem.detail, type: problem.type }),
      ...(problem?.errors && { fields: fieldsOf(problem.errors) }),
      ...(problem?.request_id !== undefined && { requestId: problem.request_id }),
    };
  }
  return { kind: error instanceof NetworkError ? "offline" : "unexpected" };
}

/** Whether an error only says that nobody waits for the answer now. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Whether a failure passes by itself, so that it is worth going on. */
export function isPassing({ kind }: Failure): boolean {
  return kind === "offline" || kind === "busy" || kind === "unavailable";
}

function fieldsOf(errors: readonly { field: string; message: string }[]): Map<string, string> {
  return new Map(errors.map(({ field, message }) => [field, message]));
}

function kindOf(status: number, isProblem: boolean): FailureKind {
  switch (status) {
    case 401:
      return "signed-out";
    case 403:
      return isProblem ? "forbidden" : "signed-out";
    case 404:
      return "gone";
    case 429:
      return isProblem ? "refused" : "busy";
    case 500:
      return "unexpected";
    case 502:
    case 503:
    case 504:
      return "unavailable";
    default:
      return "refused";
  }
}
