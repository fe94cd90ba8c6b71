//! Works off the jobs queue: each message names a job, or submits one.

pub mod failure;
pub mod formats;
#[cfg(test)]
mod fuzz;
pub mod jobs;
mod monitor;
pub mod nfo;
pub mod package;
mod processor;
mod s3;
#[cfg(test)]
mod testing;
pub mod watch;

pub use processor::{Processor, process_jobs};
