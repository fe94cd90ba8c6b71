/** The filters of the list of releases, as the address has them. */
import { commonQuery, type ListFilters, readFilters as read } from "../../lib/filters";

/** What the filters are set to. */
export interface Filters extends ListFilters {
  type: string;
}

/** What the API takes as a release's type. */
export const TYPE_PATTERN = "[A-Za-z0-9_\\-]{1,32}";

const PATTERNS = { type: new RegExp(`^${TYPE_PATTERN}$`) };

export const NO_FILTERS = readFilters(new URLSearchParams());

export function readFilters(query: URLSearchParams): Filters {
  return read(query, PATTERNS) as Filters;
}

/** Returns the parameters of the API's list. */
export function listQuery(filters: Filters) {
  return { ...commonQuery(filters), ...(filters.type && { release_type: [filters.type] }) };
}
