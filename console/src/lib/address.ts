/** Returns the API's address: that of the page without `/console`. Vite's own server has the page at the root. */
export function baseUrl(): string {
  return location.origin + location.pathname.replace(/\/(console\/?)?$/, "");
}
