//! The domain: jobs and releases, their ids, statuses, logs and configurations.
//!
//! This crate does no I/O and knows neither AWS nor HTTP.

mod caller;
mod config;
mod failure;
mod field_reader;
mod id;
mod job;
mod json;
mod log;
mod random;
pub mod release;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod types;
mod waiting;

pub use self::{
    caller::{Caller, Session},
    config::{
        AnalysisConfig, Compression, DirfixConfig, GeneratedFile, MAX_CONFIG_BYTES, NfofixConfig,
        PackagingConfig, ReadnfoConfig,
    },
    failure::{Failure, FailureCode},
    field_reader::{FieldError, FieldReader, ReadFields, json_bytes, there_are},
    id::{InvalidId, JobId, MAX_ID, ReleaseId, UserId},
    job::{
        Cancellation, EndedRun, Job, JobEvent, JobEventType, JobOutcome, JobState, LEASE, NewJob,
        Run, RunOutcome, STOP_TIME, Summary,
    },
    json::{InvalidJson, MAX_JSON_DEPTH, parse_object},
    log::{Level, LogEntry, UnknownLevel},
    random::random,
    status::{Event, Status, UnknownStatus},
    time::{Clock, InvalidTime, Time},
    types::{Config, JobConfig, JobType, UnknownJobType},
    waiting::{WaitReason, WaitingFor},
};

/// The longest idempotency key, in characters.
pub const MAX_KEY_CHARS: usize = 128;
