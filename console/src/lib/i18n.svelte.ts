/** The language of the page. Its messages are a file of their own, so that nobody loads the other languages. */
import type { Messages } from "./messages/en";
import { Stored } from "./stored.svelte";

export type { Messages };

const MESSAGES = {
  en: async () => (await import("./messages/en")).en,
  fr: async () => (await import("./messages/fr")).fr,
};

export type Language = keyof typeof MESSAGES;

/** The languages, by the name that their speakers use. */
export const LANGUAGES: Record<Language, string> = { en: "English", fr: "Français" };

class I18n {
  readonly #stored = new Stored<Language>("jobs.language", (stored) => {
    const wanted = [stored ?? "", ...navigator.languages].map((tag) => tag.split("-")[0] ?? "");
    return wanted.find(isLanguage) ?? "en";
  });
  #messages = $state.raw<Messages>();

  /** The messages of the language. */
  get t(): Messages {
    if (!this.#messages) {
      throw new Error("i18n.load comes before the first message");
    }
    return this.#messages;
  }

  /** The locale of numbers and dates: the browser's, as far as it fits the language. */
  readonly locale = $derived(
    navigator.languages.find((tag) => tag.split("-")[0] === this.#stored.value) ?? this.#stored.value,
  );

  get language(): Language {
    return this.#stored.value;
  }

  /** Changes to a language, or begins with that of before, as soon as its messages are there. */
  async load(language = this.language): Promise<void> {
    this.#messages = await MESSAGES[language]();
    this.#stored.value = language;
  }
}

function isLanguage(tag: string): tag is Language {
  return tag in MESSAGES;
}

export const i18n = new I18n();
