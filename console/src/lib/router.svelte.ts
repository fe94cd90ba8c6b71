/** The address of a screen: the fragment, so that the page works below any path. */

/** The values of a pattern's parameters, by name. */
export type PathValues = Readonly<Record<string, string>>;

class Router {
  #fragment = $state(read());

  /** The path of the address: `/jobs/123`. */
  readonly path = $derived(this.#fragment.split("?")[0] || "/");
  /** The parameters of the address. */
  readonly query = $derived(new URLSearchParams(this.#fragment.split("?")[1] ?? ""));

  constructor() {
    addEventListener("hashchange", () => (this.#fragment = read()));
  }

  /** Goes to an address. With `replace`, Back leads to where it led before. */
  go(path: string, query?: URLSearchParams, { replace = false } = {}): void {
    const address = href(path, query);
    if (replace) {
      history.replaceState(null, "", address);
      this.#fragment = read();
    } else {
      location.hash = address;
    }
  }
}

/** Returns the address of a screen, for a link. */
export function href(path: string, query?: URLSearchParams): string {
  const text = query?.toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

/** Returns the values of the parameters of a pattern such as `/jobs/:id`, or nothing if the path is another one. */
export function matchPath(pattern: string, path: string): PathValues | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) {
    return undefined;
  }
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":") && value !== "") {
      params[part.slice(1)] = value;
    } else if (part !== value) {
      return undefined;
    }
  }
  return params;
}

function read(): string {
  return location.hash.slice(1);
}

export const router = new Router();
