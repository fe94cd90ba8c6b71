//! Cursors of lists, opaque to clients and valid for a single query.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jobs::{JobId, ReleaseId, Time, UserId};
use sha2::{Digest, Sha256};

use crate::{Filter, ReleaseFilter, ReleasePosition, ReleaseScope, Scope};

/// Not a cursor, or the cursor of another query.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next_cursor` of a page of the same query")]
pub struct InvalidCursor;

/// Encodes cursors and binds them to the caller and the query. The page size is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Cursor([u8; 8]);

impl Cursor {
    /// Creates the cursor of one query of jobs by one user.
    #[must_use]
    pub fn new(caller: UserId, scope: Scope, filter: &Filter) -> Self {
        let statuses = filter.statuses.iter().map(|status| status.as_str());
        let job_types = filter.job_types.iter().map(|job_type| job_type.as_str());
        let values = sorted(statuses.chain(job_types));
        Self::bound_to(&format!(
            "{caller} {scope:?} {:?} {:?} {:?} {:?} {values:?}",
            filter.release_id, filter.created_by, filter.created_after, filter.created_before
        ))
    }

    /// Creates the cursor of one query of releases by one user.
    #[must_use]
    pub fn of_releases(caller: UserId, scope: ReleaseScope, filter: &ReleaseFilter) -> Self {
        let lower_case = filter.release_types.iter().map(|name| name.to_lowercase());
        let values = sorted(lower_case);
        Self::bound_to(&format!(
            "releases {caller} {scope:?} {:?} {:?} {values:?}",
            filter.created_after, filter.created_before
        ))
    }

    fn bound_to(query: &str) -> Self {
        let mut binding = [0; 8];
        binding.copy_from_slice(&Sha256::digest(query)[..8]);
        Self(binding)
    }

    /// Encodes the cursor of the page after a job.
    #[must_use]
    pub fn encode(self, position: JobId) -> String {
        self.encode_bytes(&position.get().to_be_bytes())
    }

    /// Decodes the position in a cursor of jobs.
    pub fn decode(self, text: &str) -> Result<JobId, InvalidCursor> {
        let id = self.decode_bytes(text)?;
        JobId::try_from(u64::from_be_bytes(id)).map_err(|_| InvalidCursor)
    }

    /// Encodes the cursor of the page after a release.
    #[must_use]
    pub fn encode_release(self, position: ReleasePosition) -> String {
        let time = position.created_at.millis().to_be_bytes();
        let id = position.id.get().to_be_bytes();
        self.encode_bytes(&[time, id].concat())
    }

    /// Decodes the position in a cursor of releases.
    pub fn decode_release(self, text: &str) -> Result<ReleasePosition, InvalidCursor> {
        let bytes: [u8; 16] = self.decode_bytes(text)?;
        let (Some(time), Some(id)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            return Err(InvalidCursor);
        };
        let id = u64::from_be_bytes(*id);
        Ok(ReleasePosition {
            created_at: Time::from_millis(i64::from_be_bytes(*time)),
            id: ReleaseId::try_from(id).map_err(|_| InvalidCursor)?,
        })
    }

    fn encode_bytes(self, position: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([position, &self.0].concat())
    }

    fn decode_bytes<const N: usize>(self, text: &str) -> Result<[u8; N], InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (position, binding) = bytes.split_first_chunk::<N>().ok_or(InvalidCursor)?;
        (binding == self.0)
            .then_some(*position)
            .ok_or(InvalidCursor)
    }
}

/// The values in one order, without repetitions, as their order does not change a query.
fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
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
    fn release_cursor_holds_its_place_and_its_query() {
        let scope = ReleaseScope::Owner(user(7));
        let filter = |name: &str| ReleaseFilter {
            release_types: vec![name.to_owned()],
            ..ReleaseFilter::default()
        };
        let position = ReleasePosition {
            created_at: Time::from_millis(1_795_428_300_123),
            id: ReleaseId::try_from(42).unwrap(),
        };
        let text = Cursor::of_releases(user(7), scope, &filter("eBook")).encode_release(position);
        let decode = |cursor: Cursor| cursor.decode_release(&text);
        let same = Cursor::of_releases(user(7), scope, &filter("EBOOK"));
        assert_eq!(decode(same), Ok(position));
        for other in [
            Cursor::of_releases(user(8), scope, &filter("ebook")),
            Cursor::of_releases(user(7), ReleaseScope::All, &filter("ebook")),
            Cursor::of_releases(user(7), scope, &filter("comic")),
            Cursor::new(user(7), Scope::Owner(user(7)), &Filter::default()),
        ] {
            assert_eq!(decode(other), Err(InvalidCursor));
        }
        assert_eq!(same.decode(&text), Err(InvalidCursor));
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
