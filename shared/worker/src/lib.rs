//! Runs jobs: the queue's messages, claims and heartbeats, the work of each job type, the sweeper.

pub mod files;
pub mod job_types;
pub mod metrics;
mod monitor;
mod objects;
pub mod processor;
pub mod queue;
pub mod service;
#[cfg(feature = "testing")]
pub mod testing;
