//! Delays before a job is tried again.

use std::time::Duration;

use jobs::{Job, Time};

/// Delay after the first failed attempt.
const BASE_DELAY: Duration = Duration::from_secs(5);
/// Longest delay, without jitter.
const MAX_DELAY: Duration = Duration::from_mins(5);
/// Doublings that an outage starts with, so that its first delay is 20 s.
const OUTAGE_HEAD_START: u32 = 2;
/// Shortest and longest delay of a job that waits for another. In between, the delay is a quarter
/// of the job's age.
const DEFER_RANGE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));
/// Delay before the first redelivery of a message.
const REDELIVERY_DELAY: Duration = Duration::from_secs(20);
/// Longest delay before a redelivery.
const MAX_REDELIVERY_DELAY: Duration = Duration::from_hours(1);

/// Returns the delay before the next attempt, after the current attempt of `job` failed.
pub(crate) fn after_failure(job: &Job) -> Duration {
    backoff(job.attempt, jitter(job))
}

/// Returns the delay before the next run, after the current run of `job` found a service
/// unavailable.
pub(crate) fn after_outage(job: &Job) -> Duration {
    let outages = job.preceding_outages().saturating_add(1);
    backoff(outages.saturating_add(OUTAGE_HEAD_START), jitter(job))
}

/// Returns the delay before the next message of a job that waits for another.
pub(crate) fn while_deferred(job: &Job, now: Time) -> Duration {
    let (shortest, longest) = DEFER_RANGE;
    (now.since(job.created_at()) / 4).clamp(shortest, longest)
}

/// Returns the delay before the next delivery of a message received `count` times: 20 s, 40 s and
/// so on up to an hour, so that its ten receives span an outage of more than two hours.
pub(crate) fn redelivery(count: u32) -> Duration {
    let doublings = count.saturating_sub(1).min(8);
    (REDELIVERY_DELAY * 2_u32.saturating_pow(doublings)).min(MAX_REDELIVERY_DELAY)
}

/// Returns 5 s, 10 s, 20 s and so on up to five minutes, plus up to half of it by `jitter` (0 to
/// 1), so that jobs that failed together are not retried together.
fn backoff(attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(6);
    let delay = (BASE_DELAY * 2_u32.saturating_pow(doublings)).min(MAX_DELAY);
    delay.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// Returns a number from 0 to 1 that differs between jobs and runs, but is stable for one run.
fn jitter(job: &Job) -> f64 {
    let mixed = job.id.get() ^ u64::from(job.fence).wrapping_mul(0x9E37_79B9);
    f64::from(u32::try_from(mixed % 1_000).unwrap_or(0)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_five_minutes_with_jitter() {
        assert_eq!(backoff(1, 0.0), Duration::from_secs(5));
        assert_eq!(backoff(2, 0.0), Duration::from_secs(10));
        assert_eq!(backoff(2, 1.0), Duration::from_secs(15));
        assert_eq!(backoff(40, 0.0), Duration::from_mins(5));
    }

    #[test]
    fn redelivery_slows_down_and_outlasts_two_hours() {
        assert_eq!(redelivery(1), Duration::from_secs(20));
        assert_eq!(redelivery(0), redelivery(1));
        assert_eq!(redelivery(3), Duration::from_secs(80));
        assert_eq!(redelivery(100), Duration::from_hours(1));
        assert!((1..10).map(redelivery).sum::<Duration>() > Duration::from_hours(2));
    }
}
