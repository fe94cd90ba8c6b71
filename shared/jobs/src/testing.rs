//! A clock that tests control.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::{Clock, Time};

/// The start time of a [`ManualClock`]: 2026-11-23T00:00:00Z.
pub const START: Time = Time::from_millis(1_795_392_000_000);

/// A clock that tests advance. Each reading also moves it on by a millisecond, so that no two
/// readings are equal.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.millis())))
    }
}

impl ManualClock {
    /// Advances the clock by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// Returns the [`Clock`] to pass to the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::new(move || Time::from_millis(millis.fetch_add(1, Ordering::SeqCst)))
    }
}
