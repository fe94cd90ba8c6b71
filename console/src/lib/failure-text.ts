/** What went wrong, in a line. */
import type { Failure } from "./failure";
import { i18n } from "./i18n.svelte";

export function failureText({ detail, kind }: Failure): string {
  return detail ?? i18n.t.failure[kind];
}
