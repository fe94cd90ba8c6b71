/** A choice that the browser remembers. */
export class Stored<T extends string> {
  #value: T;

  constructor(
    readonly key: string,
    initial: (stored: string | null) => T,
  ) {
    this.#value = $state(initial(localStorage.getItem(key)));
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    localStorage.setItem(this.key, value);
  }
}
