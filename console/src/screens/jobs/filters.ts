/** The filters of the list of jobs, as the address has them. */
import type { JobSummary, JobType, Status } from "../../lib/api";
import { JOB_TYPES, STATUSES } from "../../lib/api";
import { commonQuery, ID, type ListFilters, readFilters as read } from "../../lib/filters";

/** What the filters are set to. */
export interface Filters extends ListFilters {
  status: Status | "";
  type: JobType | "";
  release: string;
}

const PATTERNS = { status: oneOf(STATUSES), type: oneOf(JOB_TYPES), release: ID };

export function readFilters(query: URLSearchParams): Filters {
  return read(query, PATTERNS) as Filters;
}

/** Returns the parameters of the API's list. */
export function listQuery(filters: Filters) {
  const { status, type, release } = filters;
  return {
    ...commonQuery(filters),
    ...(status && { status: [status] }),
    ...(type && { job_type: [type] }),
    ...(release && { release_id: Number(release) }),
  };
}

/** Whether a new job belongs into the list. */
export function matches(job: JobSummary, filters: Filters): boolean {
  const query = listQuery(filters);
  return (
    (!filters.status || job.status === filters.status) &&
    (!filters.type || job.job_type === filters.type) &&
    (!filters.release || String(job.release_id) === filters.release) &&
    (!filters.user || String(job.created_by) === filters.user) &&
    (query.created_after === undefined || job.created_at >= query.created_after) &&
    (query.created_before === undefined || job.created_at < query.created_before)
  );
}

function oneOf(values: readonly string[]): RegExp {
  return new RegExp(`^(${values.join("|")})$`);
}
