/** Keys with which a request that creates something may be repeated. */
export class RequestKey {
  #body = "";
  #key = "";

  /** Returns the key for a body: the same one as long as the body is the same, so that a lost answer makes no second. */
  for(body: unknown): string {
    const text = JSON.stringify(body);
    if (text !== this.#body) {
      this.#body = text;
      this.#key = crypto.randomUUID();
    }
    return this.#key;
  }

  /** Makes the next request a new one, once this one has succeeded. */
  renew(): void {
    this.#body = "";
  }
}
