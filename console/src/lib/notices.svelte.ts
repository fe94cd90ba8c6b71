/** Short notices: shown for a while, and read out by a screen reader, though at most once in five seconds. */

const SHOWN_MS = 8_000;
const BETWEEN_ANNOUNCEMENTS_MS = 5_000;

export interface Notice {
  id: number;
  text: string;
  isError: boolean;
}

class Notices {
  #shown = $state.raw<readonly Notice[]>([]);
  #announced = $state("");
  #waiting: string[] = [];
  #next = 1;
  #announcedAt = -BETWEEN_ANNOUNCEMENTS_MS;

  get shown(): readonly Notice[] {
    return this.#shown;
  }

  /** What a screen reader reads out. */
  get announced(): string {
    return this.#announced;
  }

  /** Shows a notice and has it read out. */
  show(text: string, { isError = false } = {}): void {
    const id = this.#next++;
    this.#shown = [...this.#shown, { id, text, isError }];
    // An error stays until it is closed.
    if (!isError) {
      setTimeout(() => this.close(id), SHOWN_MS);
    }
    this.announce(text);
  }

  close(id: number): void {
    this.#shown = this.#shown.filter((notice) => notice.id !== id);
  }

  /** Forgets all, as when another user may be in front of the page. */
  clear(): void {
    this.#shown = [];
    this.#waiting = [];
    this.#announced = "";
  }

  /** Has a text read out, together with what else comes within five seconds. */
  announce(text: string): void {
    this.#waiting.push(text);
    if (this.#waiting.length === 1) {
      const wait = this.#announcedAt + BETWEEN_ANNOUNCEMENTS_MS - performance.now();
      setTimeout(() => this.#announce(), Math.max(0, wait));
    }
  }

  #announce(): void {
    this.#announcedAt = performance.now();
    this.#announced = [...new Set(this.#waiting.splice(0))].join(" ");
  }
}

export const notices = new Notices();
