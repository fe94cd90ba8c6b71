//! Runs jobs: the queue, claims and heartbeats, the work of each job type, the sweeper.

mod attempt;
mod backoff;
mod config_check;
mod dead_letter;
mod files;
mod heartbeat;
mod isolation;
mod job_progress;
mod job_service;
mod job_types;
mod metrics;
mod objects;
mod process;
mod processor;
mod queue;
mod reporter;
mod request;
mod submissions;
mod sweeper;
#[cfg(feature = "testing")]
pub mod testing;
mod work;

pub use self::{
    config_check::check_config,
    dead_letter::{DeadLetterReason, Refusal},
    files::{Files, PRESIGNED_URL_TTL, PresignedRequest, StoredFile},
    isolation::{Isolation, serve_reader},
    job_service::{JobService, UpdateStatusOutcome},
    job_types::Worker,
    metrics::{Metric, Metrics},
    objects::EXPIRES_WITH_JOB,
    process::Processed,
    processor::{Delivery, Processor},
    queue::{Message, Queue},
    reporter::Reporter,
    request::JobRequest,
    submissions::{Submissions, create_release},
    sweeper::{SweepReport, Sweeper},
    work::{Assignment, Work},
};
