/**
 * A typed client of the jobs API.
 *
 * `schema.ts` is generated from the API's document; this file adds what no generator knows: when a request may be
 * repeated, and how to follow jobs.
 */
import createFetchClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";
import { retrying } from "./retry.js";

export type { components, paths } from "./schema.js";
export { followLog, isFinal, type FollowOptions, type LogUpdate } from "./follow.js";
export {
  createLive,
  type FollowJobsOptions,
  type JobsUpdate,
  type Live,
  type LiveOptions,
} from "./live.js";

type Schemas = components["schemas"];
export type Job = Schemas["Job"];
export type JobDetails = Schemas["JobDetails"];
export type JobStatus = Schemas["JobStatus"];
export type JobSummary = Schemas["JobSummary"];
export type LogLine = Schemas["LogLine"];
export type LogPage = Schemas["LogPage"];
export type Release = Schemas["Release"];
export type ReleaseSummary = Schemas["ReleaseSummary"];
export type Problem = Schemas["Problem"];

/** The operations of the API, by path and method. */
export type JobsClient = Client<paths>;

export interface Options {
  /** The address of the API, without a slash at its end. */
  baseUrl: string;
  /** The caller's token, or a function that returns the current one. */
  token: string | (() => string | Promise<string>);
  /** Replaces the global `fetch`, for a proxy or a test. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Creates a client. A request that is safe to repeat is repeated if the API is unavailable. */
export function createClient({ baseUrl, token, fetch = globalThis.fetch }: Options): JobsClient {
  const client = createFetchClient<paths>({
    baseUrl,
    fetch: retrying(fetch),
    // The API reads several values of a parameter as one, separated by commas.
    querySerializer: { array: { style: "form", explode: false } },
  });
  client.use({
    async onRequest({ request }) {
      const current = typeof token === "string" ? token : await token();
      request.headers.set("authorization", `Bearer ${current}`);
      return request;
    },
  });
  return client;
}

/** The API refused a request. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The problem, if the API itself answered, and not API Gateway. */
    readonly problem: Problem | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** Returns the data of an answer, or throws an `ApiError`. */
export async function unwrap<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (response.ok) {
    return data as T;
  }
  const problem = isProblem(error) ? error : undefined;
  throw new ApiError(response.status, problem, problem?.detail ?? `HTTP status ${response.status}`);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "type" in error && "detail" in error;
}
