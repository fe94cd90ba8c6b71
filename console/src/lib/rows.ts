/** Moving through the rows of a table by keyboard. */

/** Focuses the link of the row that is `step` rows from the one with the focus, or of the first row. */
export function moveFocus(content: HTMLElement, step: 1 | -1): void {
  const rows = [...content.querySelectorAll("tbody tr")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next]?.querySelector("a")?.focus();
}
