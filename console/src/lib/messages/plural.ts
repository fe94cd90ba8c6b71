/** The forms of a phrase with a number. */
export interface Forms {
  one: string;
  other: string;
}

/** Returns the function that chooses the form for a number in a language. */
export function pluralOf(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language);
  return (count, forms) => (rules.select(count) === "one" ? forms.one : forms.other);
}
