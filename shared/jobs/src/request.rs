//! The request to create a job, sent by a client or a producer.

use serde_json::{Map, Value};

use crate::{Config, FieldReader, JobType, NewJob, ReadFields, ReleaseId, UserId};

/// A validated request to create a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequest {
    /// The type of the job.
    pub job_type: Option<JobType>,
    /// The release it works on.
    pub release_id: Option<ReleaseId>,
    /// Its configuration, as it was sent.
    pub config: Map<String, Value>,
}

impl ReadFields for JobRequest {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let job_type = fields.parsed("job_type");
        Some(Self::read_rest(fields, job_type))
    }
}

impl JobRequest {
    /// Reads the request for a job that must have a type.
    pub fn read_typed(fields: &mut FieldReader) -> Option<Self> {
        let job_type = fields.required("job_type", FieldReader::parsed);
        let request = Self::read_rest(fields, job_type);
        request.job_type.is_some().then_some(request)
    }

    fn read_rest(fields: &mut FieldReader, job_type: Option<JobType>) -> Self {
        let release_id = fields.id("release_id");
        let config = fields.object("config_json").unwrap_or_default();
        let errors = job_type.and_then(|job_type| Config::parse(job_type, &config).err());
        for error in errors.unwrap_or_default() {
            fields.error(&error.field, error.message);
        }
        Self {
            job_type,
            release_id,
            config,
        }
    }

    /// Converts the request into a job owned by `created_by`.
    #[must_use]
    pub fn into_job(self, created_by: UserId, draft: bool) -> NewJob {
        NewJob {
            created_by,
            release_id: self.release_id,
            job_type: self.job_type,
            config: self.config,
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
