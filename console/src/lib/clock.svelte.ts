/** The time that relative times are relative to. */
import { createSubscriber } from "svelte/reactivity";

const STEP_MS = 10_000;

let current = Date.now();

const subscribe = createSubscriber((update) => {
  current = Date.now();
  const timer = setInterval(() => {
    current = Date.now();
    update();
  }, STEP_MS);
  return () => clearInterval(timer);
});

/** Returns the current time in milliseconds. What uses it in the page is updated every ten seconds. */
export function now(): number {
  subscribe();
  return current;
}
