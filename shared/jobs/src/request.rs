//! What a client or a producer asks for when it creates a job.

use serde_json::{Map, Value};

use super::{Config, JobType, NewJob, ReleaseId, UserId};
use crate::Fields;

/// The fields of a job that its creator decides, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequest {
    /// What it does.
    pub job_type: Option<JobType>,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Its configuration, as it was given.
    pub config: Map<String, Value>,
}

impl JobRequest {
    /// Reads the fields; faults are left in `fields`.
    pub fn read(fields: &mut Fields) -> Self {
        let job_type: Option<JobType> = fields.parsed("job_type");
        let release_id = fields.id("release_id");
        let config = fields.object("config_json").unwrap_or_default();
        if let Some(job_type) = job_type
            && let Err(errors) = Config::parse(job_type, &config)
        {
            for error in errors {
                fields.fault(&error.field, error.message);
            }
        }
        Self {
            job_type,
            release_id,
            config,
        }
    }

    /// The job of `created_by` that this asks for.
    #[must_use]
    pub fn into_job(self, created_by: UserId, draft: bool) -> NewJob {
        let Self {
            job_type,
            release_id,
            config,
        } = self;
        NewJob {
            created_by,
            release_id,
            job_type,
            config,
            draft,
            retry_of: None,
        }
    }

    /// The size of the configuration, in bytes of its JSON.
    #[must_use]
    pub fn config_bytes(&self) -> usize {
        serde_json::to_string(&self.config).map_or(usize::MAX, |text| text.len())
    }
}
