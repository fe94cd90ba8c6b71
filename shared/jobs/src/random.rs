//! Where random numbers come from.

/// Returns a generator of random numbers, seeded by the system.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for randomness"
)]
pub fn random() -> rand::rngs::StdRng {
    rand::make_rng()
}
