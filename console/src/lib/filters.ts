/** The filters of a list, as the address has them. An empty text is no filter. */

/** The filters that are the same in several lists. */
export interface ListFilters {
  release?: string;
  user: string;
  /** Days, as a date field has them: `2026-11-23`. */
  from: string;
  to: string;
}

/** What the text of a filter must be. */
type Pattern = Pick<RegExp, "test">;

export const ID: Pattern = /^[1-9][0-9]{0,15}$/;
const DAY: Pattern = {
  test: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00`)),
};

/** Reads the filters of an address: the common ones, and those with these patterns. What is not valid is no filter. */
export function readFilters(query: URLSearchParams, patterns: Record<string, Pattern>): object {
  const all = { ...patterns, user: ID, from: DAY, to: DAY };
  return Object.fromEntries(
    Object.entries(all).map(([name, pattern]) => {
      const text = query.get(name) ?? "";
      return [name, pattern.test(text) ? text : ""];
    }),
  );
}

/** Returns the parameters of the address with these filters. */
export function writeFilters(filters: object): URLSearchParams {
  return new URLSearchParams(Object.entries(filters).filter(([, text]) => text !== ""));
}

export function isFiltered(filters: object): boolean {
  return String(writeFilters(filters)) !== "";
}

/** Returns the parameters of the API's lists for the common filters. */
export function commonQuery({ user, from, to }: ListFilters) {
  return {
    ...(user && { user_id: Number(user) }),
    ...(from && { created_after: startOf(from) }),
    ...(to && { created_before: startOf(to, 1) }),
  };
}

/** Returns the time at which a day begins for the user, or the day that is so many days later. */
function startOf(day: string, later = 0): string {
  const time = new Date(`${day}T00:00:00`);
  // A day may have 23 or 25 hours.
  time.setDate(time.getDate() + later);
  return time.toISOString();
}
