//! The library of the job system: the domain, and what carries it out on AWS.
//!
//! Dependencies point one way: functions -> `http`, `app` -> `store`, `queue`, `files`, `auth`
//! -> `job`. Only `app`, `store`, `queue` and `files` name an SDK type, and only `http` names a
//! status code.

pub mod app;
pub mod auth;
pub mod aws;
pub mod fields;
pub mod files;
pub mod http;
pub mod job;
pub mod queue;
pub mod release;
pub mod service;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;

/// A generator of random numbers, seeded by the system.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for randomness"
)]
pub fn random() -> rand::rngs::StdRng {
    rand::make_rng()
}
