//! The source of random numbers.

/// Returns a random number generator seeded by the system.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for randomness"
)]
pub fn random() -> rand::rngs::StdRng {
    rand::make_rng()
}
