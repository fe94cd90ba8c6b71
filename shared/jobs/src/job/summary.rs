//! The fields of a job that lists show.

use serde::Serialize;

use super::Job;
use crate::{Failure, JobId, JobType, ReleaseId, Status, Time, UserId};

/// A job in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The job's id.
    pub id: JobId,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Its status.
    pub status: Status,
    /// Its type.
    pub job_type: Option<JobType>,
    /// 0 to 100; `None` if the list does not know how far the job came before it stopped.
    pub progress: Option<u8>,
    /// The time of its creation.
    pub created_at: Time,
    /// Its owner.
    pub created_by: UserId,
    /// The start of its first attempt.
    pub started_at: Option<Time>,
    /// The time it ended.
    pub finished_at: Option<Time>,
    /// The error it failed with; `Some` only if it failed.
    pub error: Option<Failure>,
}

impl From<&Job> for Summary {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id,
            release_id: job.release_id,
            status: job.status(),
            job_type: job.job_type,
            progress: Some(job.progress),
            created_at: job.created_at(),
            created_by: job.created_by,
            started_at: job.started_at,
            finished_at: job.finished_at(),
            error: job.error().cloned(),
        }
    }
}
