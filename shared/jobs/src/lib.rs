//! The domain: jobs and releases, their ids, statuses, logs and configurations. No I/O, no AWS, no HTTP.

mod caller;
mod config;
mod fields;
mod id;
mod job;
mod log;
mod random;
pub mod release;
mod request;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod types;
mod waiting;

pub use self::{
    caller::Caller,
    config::{
        AnalysisConfig, Compression, DirfixConfig, MAX_CONFIG_BYTES, NfofixConfig, PackagingConfig,
        ReadnfoConfig,
    },
    fields::{FieldError, Fields},
    id::{InvalidId, JobId, MAX_ID, ReleaseId, UserId},
    job::{
        ATTEMPTS_EXHAUSTED, DEAD_LETTERED, Failure, INTERNAL, Job, LEASE, NewJob, RELEASE_CHANGED,
        Run, Summary, UNAVAILABLE, outcome,
    },
    log::{Level, LogEntry, UnknownLevel},
    random::random,
    request::JobRequest,
    status::{Event, Status, UnknownStatus},
    time::{Clock, InvalidTime, Time},
    types::{Config, JobConfig, JobType, UnknownJobType},
    waiting::WaitingFor,
};

/// The longest idempotency key, in characters.
pub const MAX_KEY_CHARS: usize = 128;
