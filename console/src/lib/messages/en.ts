/** English. Its type is that of every language: `fr.ts` does not compile if a message is missing, or is one too many. */
import type { JobType, Status } from "../api";
import type { FailureKind } from "../failure";
import { number } from "../format";
import type { SignInFault } from "../oidc";
import { enJob } from "./en-job";
import { enReleases } from "./en-releases";
import { pluralOf } from "./plural";

export type Messages = typeof en;

const plural = pluralOf("en");
const jobs = (count: number) =>
  plural(count, { one: `${number(count)} job`, other: `${number(count)} jobs` });

export const en = {
  app: {
    name: "Jobs console",
    title: (screen: string) => `${screen} - Jobs console`,
    skip: "Skip to the content",
    language: "Language",
    user: (id: number) => `User ${id}`,
    admin: "Admin",
    signOut: "Sign out",
    offline: "No connection. The page continues by itself as soon as there is one.",
    close: "Close",
    notices: "Notices",
  },
  navigation: {
    label: "Main",
    jobs: "Jobs",
    releases: "Releases",
    operations: "Operations",
  },
  signIn: {
    title: "Sign in",
    again: "Sign in again",
    lead: "Paste the token that you use with the API. It stays in this tab, and is gone when you close it.",
    leadAgain: "Your token has expired or was withdrawn. Give a new one, and the page continues where it is.",
    token: "Token",
    submit: "Sign in",
    refused: "This token is not accepted. It may have expired, or belong to another system.",
    account: "Sign in with your account",
    accountLead: "You sign in at your organization’s own page, which leads back here.",
    accountAgain: "Your session is over. Sign in again, and the page continues where it is.",
    withToken: "Use a token instead",
    faults: {
      forged: "This sign-in was not begun in this tab, or it is over. Sign in again.",
      refused: "The sign-in was refused.",
      unreachable: "The sign-in page cannot be reached.",
      rejected: "You have signed in, but this system does not accept the account.",
    } satisfies Record<SignInFault, string>,
  },
  shortcuts: {
    title: "Keyboard shortcuts",
    open: "Keyboard shortcuts (?)",
    areOn: "Use single-key shortcuts",
    show: "Show this list",
    filter: "Go to the filter",
    next: "Next row",
    previous: "Previous row",
    openRow: "Open the row",
    select: "Select the row",
    cancel: "Cancel",
  },
  status: {
    draft: "Draft",
    pending: "Pending",
    running: "Running",
    completed: "Completed",
    failed: "Failed",
    cancelled: "Cancelled",
  } satisfies Record<Status, string>,
  jobType: {
    analysis: "Analysis",
    packaging: "Packaging",
    repack: "Repack",
    nfofix: "NFO fix",
    readnfo: "Read NFO",
    dirfix: "Directory fix",
  } satisfies Record<JobType, string>,
  failure: {
    offline: "The API cannot be reached.",
    "signed-out": "You are not signed in.",
    forbidden: "You may not see this.",
    gone: "There is nothing here, or no longer.",
    busy: "There are too many requests at the moment.",
    unavailable: "The system is not available at the moment.",
    refused: "The request was refused.",
    unexpected: "Something went wrong.",
  } satisfies Record<FailureKind, string>,
  failures: {
    requestId: "Request id",
    retry: "Try again",
  },
  loading: "Loading",
  progress: "Progress",
  notFound: {
    title: "Page not found",
    lead: "There is no page at this address.",
    back: "Go to the jobs",
  },
  jobs: {
    title: "Jobs",
    filters: "Filters",
    status: "Status",
    type: "Type",
    all: "All",
    release: "Release",
    user: "User",
    from: "Created from",
    to: "Created until",
    reset: "Clear filters",
    id: "Job",
    created: "Created",
    duration: "Duration",
    none: "You have no jobs yet.",
    noneMatch: "No job matches these filters.",
    more: "Load more",
    end: (count: number) => `${jobs(count)}, and no more.`,
    searching: "Nothing found in this part. Load more to search further back.",
    newJobs: (count: number) =>
      plural(count, { one: `${number(count)} new job`, other: `${number(count)} new jobs` }),
    selectAll: "Select all",
    select: (id: number) => `Select job ${id}`,
    selected: (count: number) => `${jobs(count)} selected`,
    clearSelection: "Clear selection",
    cancel: (count: number) => `Cancel ${jobs(count)}`,
    retry: (count: number) => `Retry ${jobs(count)}`,
    cancelTitle: (count: number) => `Cancel ${jobs(count)}?`,
    cancelLead: "A running job stops within seconds, and leaves no half-made output.",
    reason: "Reason",
    keep: "Keep running",
    cancelled: (count: number) =>
      plural(count, {
        one: `${number(count)} job cancelled.`,
        other: `${number(count)} jobs cancelled.`,
      }),
    retried: (count: number) =>
      plural(count, {
        one: `${number(count)} new job made.`,
        other: `${number(count)} new jobs made.`,
      }),
    notDone: (id: number, reason: string) => `Job ${id}: ${reason}`,
    changed: (id: number, status: string) => `Job ${id}: ${status}.`,
  },
  ...enJob,
  ...enReleases,
};
