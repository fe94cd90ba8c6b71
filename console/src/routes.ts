/** The screens, by their addresses. A screen that is not here has no address and no link. */
import type { Component } from "svelte";

import type { Messages } from "./lib/i18n.svelte";
import type { PathValues } from "./lib/router.svelte";
import { matchPath, router } from "./lib/router.svelte";
import { session } from "./lib/session.svelte";
import JobScreen from "./screens/job/JobScreen.svelte";
import JobsScreen from "./screens/jobs/JobsScreen.svelte";
import NewJobScreen from "./screens/jobs/NewJobScreen.svelte";
import OperationsScreen from "./screens/operations/OperationsScreen.svelte";
import ReleaseScreen from "./screens/release/ReleaseScreen.svelte";
import ReleasesScreen from "./screens/releases/ReleasesScreen.svelte";
import WizardScreen from "./screens/wizard/WizardScreen.svelte";

/** What every screen is given: the parameters of its pattern. */
export interface ScreenProps {
  params: PathValues;
}

interface Route {
  /** The path, with parameters: `/jobs/:id`. The first route that matches is shown. */
  pattern: string;
  screen: Component<ScreenProps> | Component;
  /** The text of the link in the navigation. */
  link?: (t: Messages) => string;
  isForAdmins?: boolean;
}

const ROUTES: readonly Route[] = [
  { pattern: "/", screen: JobsScreen },
  { pattern: "/jobs", screen: JobsScreen, link: (t) => t.navigation.jobs },
  { pattern: "/jobs/new", screen: NewJobScreen },
  { pattern: "/jobs/:id", screen: JobScreen },
  { pattern: "/jobs/:id/log/:seq", screen: JobScreen },
  { pattern: "/releases", screen: ReleasesScreen, link: (t) => t.navigation.releases },
  { pattern: "/releases/new", screen: WizardScreen },
  { pattern: "/releases/new/:draft", screen: WizardScreen },
  { pattern: "/releases/:id", screen: ReleaseScreen },
  {
    pattern: "/operations",
    screen: OperationsScreen,
    link: (t) => t.navigation.operations,
    isForAdmins: true,
  },
];

/** Returns the links of the navigation for the signed-in user. */
export function links(): { path: string; text: (t: Messages) => string }[] {
  return ROUTES.filter(isAllowed).flatMap(({ pattern, link }) =>
    link ? [{ path: pattern, text: link }] : [],
  );
}

/** Returns the screen at the address, or nothing if there is none. */
export function currentScreen(): { screen: Component<ScreenProps>; params: PathValues } | undefined {
  for (const route of ROUTES.filter(isAllowed)) {
    const params = matchPath(route.pattern, router.path);
    if (params) {
      // A screen without parameters ignores them.
      return { screen: route.screen as Component<ScreenProps>, params };
    }
  }
  return undefined;
}

function isAllowed({ isForAdmins = false }: Route): boolean {
  return !isForAdmins || session.isAdmin;
}
