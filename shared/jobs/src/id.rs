//! Ids: integers that every JSON client reads without loss.

use std::{fmt, str::FromStr};

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::Time;

/// The largest id, 2^53 - 1: the largest integer that a JSON parser with doubles reads exactly.
pub const MAX_ID: u64 = (1 << 53) - 1;

/// The epoch of generated ids: 2025-01-01T00:00:00Z.
const EPOCH_MILLIS: i64 = 1_735_689_600_000;
const RANDOM_BITS: u32 = 12;

/// The value is not an integer from 1 to [`MAX_ID`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an integer from 1 to 9007199254740991")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// The id as an integer.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = InvalidId;

            fn try_from(value: u64) -> Result<Self, InvalidId> {
                if (1..=MAX_ID).contains(&value) { Ok(Self(value)) } else { Err(InvalidId) }
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(InvalidId);
                }
                text.parse::<u64>().map_err(|_| InvalidId)?.try_into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// The id of a job. It grows with time and encodes the time of its creation.
    JobId
}
id! {
    /// The id of a release, generated here or assigned by the web application's database.
    ReleaseId
}
id! {
    /// The id of a user of the web application, taken from the token.
    UserId
}

/// Returns an id for `time`: 41 bits of milliseconds since 2025-01-01, then 12 random bits.
fn draw(time: Time, random: &mut dyn Rng) -> u64 {
    let millis = u64::try_from(time.millis() - EPOCH_MILLIS)
        .unwrap_or(0)
        .max(1);
    ((millis << RANDOM_BITS) | random.random_range(0..1 << RANDOM_BITS)) & MAX_ID
}

impl JobId {
    /// Draws an id. Two ids drawn in the same millisecond collide once in 4,096 times; the store
    /// refuses the second, and the caller draws again.
    pub fn draw(time: Time, random: &mut dyn Rng) -> Self {
        Self(draw(time, random))
    }

    /// The time at which this id was drawn.
    #[must_use]
    pub fn created_at(self) -> Time {
        let millis = i64::try_from(self.0 >> RANDOM_BITS).unwrap_or(i64::MAX);
        Time::from_millis(millis.saturating_add(EPOCH_MILLIS))
    }

    /// The smallest id drawn at `time` or later, as an integer; 0 if `time` is before the epoch.
    #[must_use]
    pub fn floor(time: Time) -> u64 {
        let millis = u64::try_from(time.millis() - EPOCH_MILLIS).unwrap_or(0);
        millis
            .checked_mul(1 << RANDOM_BITS)
            .map_or(MAX_ID, |id| id.min(MAX_ID))
    }
}

impl ReleaseId {
    /// Draws an id in the same way as [`JobId::draw`].
    pub fn draw(time: Time, random: &mut dyn Rng) -> Self {
        Self(draw(time, random))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn id_is_a_positive_integer_below_2_pow_53() {
        assert_eq!("9007199254740991".parse::<JobId>().unwrap().get(), MAX_ID);
        for text in [
            "0",
            "-1",
            "+1",
            "9007199254740992",
            "1.0",
            "",
            "abc",
            " 1",
            "99999999999999999999",
        ] {
            assert!(text.parse::<JobId>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<JobId>("0").is_err());
        assert_eq!(serde_json::to_string(&JobId(7)).unwrap(), "7");
    }

    proptest! {
        #[test]
        fn id_encodes_its_creation_time(millis in EPOCH_MILLIS + 1..EPOCH_MILLIS + (1 << 41), seed: u64) {
            let time = Time::from_millis(millis);
            let id = JobId::draw(time, &mut StdRng::seed_from_u64(seed));
            prop_assert!(id.get() <= MAX_ID);
            prop_assert_eq!(id.created_at(), time);
            prop_assert!(JobId::floor(time) <= id.get());
        }

        #[test]
        fn later_id_is_larger(millis in EPOCH_MILLIS + 1..EPOCH_MILLIS + (1 << 40), later in 1_i64..1000, seed: u64) {
            let mut random = StdRng::seed_from_u64(seed);
            let first = JobId::draw(Time::from_millis(millis), &mut random);
            let second = JobId::draw(Time::from_millis(millis + later), &mut random);
            prop_assert!(first < second);
        }
    }
}
