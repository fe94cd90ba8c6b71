/** Keyboard shortcuts. A screen adds its own while it is shown. */
import { untrack } from "svelte";

import type { Messages } from "./i18n.svelte";
import { Stored } from "./stored.svelte";

export interface Shortcut {
  /** The key, as `KeyboardEvent.key` has it. */
  key: string;
  /** What it does, for the list of shortcuts. */
  label: (t: Messages) => string;
  /** Left out for a key that the browser handles itself. */
  run?: () => void;
}

class Shortcuts {
  #all = $state.raw<readonly Shortcut[]>([]);
  readonly #stored = new Stored<"on" | "off">("jobs.shortcuts", (stored) =>
    stored === "off" ? "off" : "on",
  );

  get all(): readonly Shortcut[] {
    return this.#all;
  }

  /** Whether single keys do anything: a person who speaks to the computer turns them off (WCAG 2.2, 2.1.4). */
  get areOn(): boolean {
    return this.#stored.value === "on";
  }

  set areOn(areOn: boolean) {
    this.#stored.value = areOn ? "on" : "off";
  }

  /** Adds shortcuts; returns what removes them, so that `$effect(() => shortcuts.add(...))` suits a screen. */
  add(...added: Shortcut[]): () => void {
    const others = () => untrack(() => this.#all).filter((shortcut) => !added.includes(shortcut));
    this.#all = [...others(), ...added];
    return () => {
      this.#all = others();
    };
  }

  handle(event: KeyboardEvent): void {
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (!this.areOn || hasModifier || event.defaultPrevented || isTyping(event.target)) {
      return;
    }
    const shortcut = this.#all.findLast(({ key, run }) => key === event.key && run !== undefined);
    if (shortcut?.run !== undefined) {
      event.preventDefault();
      shortcut.run();
    }
  }
}

/** Whether the key belongs to a field or a dialog. */
function isTyping(target: EventTarget | null): boolean {
  const isInField =
    target instanceof HTMLElement &&
    target.matches("select, textarea, input:not([type=checkbox], [type=button])");
  return isInField || document.querySelector("dialog[open]") !== null;
}

export const shortcuts = new Shortcuts();
