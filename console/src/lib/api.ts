/** The API as the console uses it. Every type comes from the API's document. */
import type { components, JobDetails, JobStatus, JobsClient, JobSummary, LogLine, LogUpdate } from "jobs-client";
import { createClient } from "jobs-client";

import { baseUrl } from "./address";
import { fetchSignedIn } from "./fetch";
import { session } from "./session.svelte";

export type { JobDetails, JobsClient, JobStatus, JobSummary, LogLine, LogUpdate };
export { unwrap } from "jobs-client";

type Schemas = components["schemas"];
export type FailureCode = Schemas["FailureCode"];
export type JobType = Schemas["JobType"];
export type Me = Schemas["Me"];
export type Status = Schemas["Status"];

export type Job = Schemas["Job"];
export type JobAnalysis = Schemas["JobAnalysis"];
export type RunOutcome = Schemas["RunOutcome"];
export type Metadata = Schemas["Metadata"];
export type PackagingConfig = Schemas["PackagingConfig"];
export type Release = Schemas["Release"];
export type ReleaseChange = Schemas["ReleaseChange"];
export type ReleaseFile = Schemas["File"];
export type ReleaseSummary = Schemas["ReleaseSummary"];
export type WaitingFor = Schemas["WaitingFor"];

/** The client of the signed-in user. */
export const client: JobsClient = createClient({
  baseUrl: baseUrl(),
  token: () => session.token,
  fetch: fetchSignedIn,
});

/** The statuses in the order of a job's life. */
export const STATUSES = keysOf<Status>({
  draft: 0,
  pending: 0,
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
});

/** The job types, the common ones first. */
export const JOB_TYPES = keysOf<JobType>({
  analysis: 0,
  packaging: 0,
  repack: 0,
  nfofix: 0,
  readnfo: 0,
  dirfix: 0,
});

/** Whether a job with this status changes no more. */
export function isFinal(status: Status): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Whether a job with this status can be cancelled. */
export function isCancellable(status: Status): boolean {
  return !isFinal(status);
}

/** Whether a job with this status can be retried. */
export function isRetryable(status: Status): boolean {
  return status === "failed" || status === "cancelled";
}

/** Returns the keys of an object that must have every `K`, so that a new value of the API does not get lost. */
function keysOf<K extends string>(all: Record<K, unknown>): K[] {
  return Object.keys(all) as K[];
}
