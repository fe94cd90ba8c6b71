/** The list of releases. */
import { client, unwrap, type ReleaseSummary } from "../../lib/api";
import { Pages } from "../../lib/pages.svelte";
import { type Filters, listQuery } from "./filters";

const PAGE = 50;

/** Returns the releases that match some filters, newest first. */
export function releaseList(filters: Filters): Pages<ReleaseSummary> {
  return new Pages(async (cursor, signal) => {
    const query = { ...listQuery(filters), limit: PAGE, ...(cursor && { cursor }) };
    const page = await unwrap(
      client.GET("/api/releases", { params: { query }, ...(signal && { signal }) }),
    );
    return { entries: page.releases, next: page.next_cursor };
  });
}
