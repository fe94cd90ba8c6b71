/** The steps of the wizard, in their order. */
export const STEPS = ["files", "analysis", "details", "options", "submit", "package"] as const;

export type Step = (typeof STEPS)[number];

/** What the server has decides the step. */
export interface Situation {
  isDraft: boolean;
  hasSources: boolean;
  hasAnalysis: boolean;
  hasOptions: boolean;
}

/** Returns whether a step can be shown. */
export function isReachable(step: Step, { isDraft, hasSources }: Situation): boolean {
  if (!isDraft) {
    return step === "package";
  }
  return step === "files" || (step !== "package" && hasSources);
}

/** Returns the step at an address: the one that it names, or else the first one that is not done. */
export function stepAt(named: string | null, situation: Situation): Step {
  const step = STEPS.find((step) => step === named);
  if (step && isReachable(step, situation)) {
    return step;
  }
  const { isDraft, hasSources, hasAnalysis, hasOptions } = situation;
  if (!isDraft) {
    return "package";
  }
  if (!hasSources) {
    return "files";
  }
  return hasOptions ? "options" : hasAnalysis ? "details" : "analysis";
}
