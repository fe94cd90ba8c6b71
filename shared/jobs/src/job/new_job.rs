//! A job to be created.

use serde_json::{Map, Value};

use crate::{JobId, JobType, ReleaseId, UserId};

/// A job to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its owner.
    pub created_by: UserId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Its type; may be missing on a draft.
    pub job_type: Option<JobType>,
    /// Its configuration as the client sent it, already validated.
    pub config: Map<String, Value>,
    /// True if it is a draft, which waits to be submitted.
    pub draft: bool,
    /// True if an admin creates it, which allows it to work on a release of another user.
    pub by_admin: bool,
    /// The job that it retries.
    pub retry_of: Option<JobId>,
    /// The last job that has retried the same one before.
    pub earlier_retry: Option<JobId>,
}
