/** The messages of the live connection, as `asyncapi.yaml` describes them. */
import type { JobStatus, JobSummary, LogLine, Problem } from "./index.js";

/** The lists of jobs that a connection can follow: one's own jobs, or for an admin those of all users. */
export type JobList = "mine" | "all";

/** The job or the list that a message is about. */
export type Target = { job_id: number } | { jobs: JobList };

export type ClientMessage = ({ action: "subscribe" | "unsubscribe" } & Target) | { action: "ping" };

/** The state of a job and the number of its log's last line, after a subscription. */
export interface Snapshot {
  type: "snapshot";
  job_id: number;
  to: number;
  state: JobStatus;
}

/** The lines `from` to `to` were added. `logs` is absent if they are too large for a message. */
export interface Update {
  type: "update";
  job_id: number;
  from: number;
  to: number;
  state: JobStatus;
  logs?: LogLine[];
}

/** A job of a list changed its state. */
export interface JobChanged {
  type: "job";
  jobs: JobList;
  event: string;
  job: JobSummary;
}

export type ServerMessage =
  | Snapshot
  | Update
  | JobChanged
  | { type: "subscribed"; jobs: JobList }
  | ({ type: "unsubscribed" | "poll" } & Target)
  | ({ type: "refused"; problem: Problem } & (Target | { job_id?: never; jobs?: never }))
  | { type: "pong" };

/** Reads a message. Returns nothing if it is none that this client knows: a later server may send more. */
export function parse(text: unknown): ServerMessage | undefined {
  try {
    const message: unknown = JSON.parse(String(text));
    return typeof message === "object" && message !== null && "type" in message
      ? (message as ServerMessage)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Names the target of a message, if it has one. */
export function keyOf(message: object): string | undefined {
  if ("job_id" in message) {
    return `job ${message.job_id}`;
  }
  return "jobs" in message ? `jobs ${message.jobs}` : undefined;
}
