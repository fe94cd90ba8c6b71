/** Work that a screen begins, and ends when it is left. */
import { untrack } from "svelte";

/**
 * Runs something until the screen is left: `$effect(() => untilLeft((signal) => ...))`. What the effect reads before that
 * begins it again when it changes, and what `run` reads does not.
 */
export function untilLeft(run: (signal: AbortSignal) => void): () => void {
  const gone = new AbortController();
  untrack(() => run(gone.signal));
  return () => gone.abort();
}
