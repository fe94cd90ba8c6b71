//! A clock that tests set.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::{Clock, Time};

/// The time at which a test's clock starts: 2026-11-23T00:00:00Z.
pub const START: Time = Time::from_millis(1_795_392_000_000);

/// A clock that stands still until it is set forward.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.millis())))
    }
}

impl ManualClock {
    /// Sets it `seconds` forward.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// The clock as the library takes it. Each look at it is a millisecond later than the last.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::new(move || Time::from_millis(millis.fetch_add(1, Ordering::SeqCst)))
    }
}
