//! Cursors of job lists, opaque to clients and valid for a single query.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jobs::{JobId, UserId};
use sha2::{Digest, Sha256};

use crate::{Filter, Scope};

/// Not a cursor, or the cursor of another query.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next_cursor` of a page of the same query")]
pub struct InvalidCursor;

/// Encodes cursors and binds them to the caller and the query. The page size is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Cursor([u8; 8]);

impl Cursor {
    /// Creates the cursor of one query by one user.
    #[must_use]
    pub fn new(caller: UserId, scope: Scope, filter: &Filter) -> Self {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{caller} {scope:?} {:?} {:?}",
            filter.release_id, filter.created_by
        );
        let _ = write!(
            text,
            " {:?} {:?}",
            filter.created_after, filter.created_before
        );
        let mut values: Vec<&str> = filter
            .statuses
            .iter()
            .map(|status| status.as_str())
            .collect();
        values.extend(filter.job_types.iter().map(|job_type| job_type.as_str()));
        values.sort_unstable();
        values.dedup();
        let _ = write!(text, " {values:?}");
        let mut binding = [0; 8];
        binding.copy_from_slice(&Sha256::digest(text)[..8]);
        Self(binding)
    }

    /// Encodes the cursor of the page after `position`.
    #[must_use]
    pub fn encode(self, position: JobId) -> String {
        let mut bytes = position.get().to_be_bytes().to_vec();
        bytes.extend(self.0);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decodes the position in a cursor.
    pub fn decode(self, text: &str) -> Result<JobId, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (position, binding) = bytes.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        if binding != self.0 {
            return Err(InvalidCursor);
        }
        JobId::try_from(u64::from_be_bytes(*position)).map_err(|_| InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use jobs::{MAX_ID, Status};
    use proptest::prelude::*;

    use super::*;

    fn user(id: u64) -> UserId {
        UserId::try_from(id).unwrap()
    }

    proptest! {
        #[test]
        fn cursor_round_trips_through_its_text(position in 1..=MAX_ID, caller in 1..=MAX_ID) {
            let cursor = Cursor::new(user(caller), Scope::Owner(user(caller)), &Filter::default());
            let position = JobId::try_from(position).unwrap();
            prop_assert_eq!(cursor.decode(&cursor.encode(position)), Ok(position));
        }

        #[test]
        fn arbitrary_text_is_refused(text in ".*") {
            let cursor = Cursor::new(user(1), Scope::All, &Filter::default());
            prop_assert_eq!(cursor.decode(&text), Err(InvalidCursor));
        }
    }

    #[test]
    fn cursor_of_another_query_is_refused() {
        let mine = Cursor::new(user(7), Scope::Owner(user(7)), &Filter::default());
        let text = mine.encode(JobId::try_from(5).unwrap());
        let failed = Filter {
            statuses: vec![Status::Failed],
            ..Filter::default()
        };
        assert_eq!(
            Cursor::new(user(8), Scope::Owner(user(8)), &Filter::default()).decode(&text),
            Err(InvalidCursor)
        );
        assert_eq!(
            Cursor::new(user(7), Scope::Owner(user(7)), &failed).decode(&text),
            Err(InvalidCursor)
        );
        assert!(mine.decode(&text).is_ok());
    }

    #[test]
    fn order_of_filter_values_does_not_matter() {
        let one = Filter {
            statuses: vec![Status::Failed, Status::Draft],
            ..Filter::default()
        };
        let two = Filter {
            statuses: vec![Status::Draft, Status::Failed, Status::Draft],
            ..Filter::default()
        };
        let text = Cursor::new(user(7), Scope::All, &one).encode(JobId::try_from(5).unwrap());
        assert!(Cursor::new(user(7), Scope::All, &two).decode(&text).is_ok());
    }
}
