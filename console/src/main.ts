/** Starts the console. */
import "./styles.css";
import "./releases.css";
import "./job.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { i18n } from "./lib/i18n.svelte";
import { closeLive } from "./lib/live";
import { notices } from "./lib/notices.svelte";
import { session } from "./lib/session.svelte";

// The messages import what this file imports, so its evaluation must not wait for them.
void i18n.load().then(() => {
  mount(App, { target: document.body });
  session.onend(closeLive);
  session.onend(() => notices.clear());
  void session.start();
});
