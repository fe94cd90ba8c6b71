//! The request to create a job, sent by a client or a producer.

use jobs::{
    Caller, FieldReader, JobType, MAX_CONFIG_BYTES, NewJob, ReadFields, ReleaseId, json_bytes,
};
use serde_json::{Map, Value};

use crate::config_check::check_config;

/// A validated request to create a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequest {
    /// The type of the job.
    pub job_type: Option<JobType>,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Its configuration, as it was sent and checked.
    pub config: Map<String, Value>,
}

impl ReadFields for JobRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let job_type = fields.parsed("job_type");
        Some(Self::read_rest(fields, job_type, false))
    }
}

impl JobRequest {
    /// Reads the request for a job that is not a draft: it must have a type, and a release if the
    /// type needs one.
    pub fn read_submission(fields: &mut FieldReader) -> Self {
        let job_type: Option<JobType> = fields.required("job_type", FieldReader::parsed);
        let needs_release = job_type.is_some_and(JobType::needs_release);
        Self::read_rest(fields, job_type, needs_release)
    }

    fn read_rest(fields: &mut FieldReader, job_type: Option<JobType>, needs_release: bool) -> Self {
        let release_id = if needs_release {
            fields.required("release_id", FieldReader::id)
        } else {
            fields.id("release_id")
        };
        let config = fields.object("config_json").unwrap_or_default();
        // The API refuses a larger one before it reads the fields. A message has only this check.
        if json_bytes(&config) > MAX_CONFIG_BYTES {
            let message = format!("must not be larger than {MAX_CONFIG_BYTES} bytes");
            fields.error("config_json", message);
        }
        let errors = job_type.and_then(|job_type| check_config(job_type, &config).err());
        for error in errors.unwrap_or_default() {
            fields.error(&error.field, error.message);
        }
        Self {
            job_type,
            release_id,
            config,
        }
    }

    /// Converts the request of `caller` into a job that the caller owns.
    #[must_use]
    pub fn into_job(self, caller: Caller, draft: bool) -> NewJob {
        NewJob {
            created_by: caller.user_id,
            release_id: self.release_id,
            job_type: self.job_type,
            config: self.config,
            draft,
            by_admin: caller.admin,
            retry_of: None,
            earlier_retry: None,
        }
    }
}
