//! Lists releases, newest first, from one partition of an index.

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{ReleaseId, Time, UserId, release::ReleaseSummary};
use serde::Deserialize;

use crate::{
    Store,
    item::{Item, from_item},
    keys,
    releases::PackageItem,
    sdk_error,
    update::{n, s},
};

/// The largest number of queries for one page, which may leave it incomplete.
const MAX_QUERIES: usize = 5;
/// The number of entries that a query after the first one reads: some 20 units.
const NEXT_LIMIT: usize = 250;

/// The releases that a list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseScope {
    /// The releases of one user.
    Owner(UserId),
    /// All releases.
    All,
}

/// The conditions on listed releases. All must hold; an empty list or `None` always holds.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFilter {
    /// Has one of these types, in any case.
    pub release_types: Vec<String>,
    /// Was created at this time or later.
    pub created_after: Option<Time>,
    /// Was created before this time.
    pub created_before: Option<Time>,
}

/// The place of a release in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleasePosition {
    /// The time of its creation.
    pub created_at: Time,
    /// Its id: several may be created at the same time.
    pub id: ReleaseId,
}

/// A page of a list.
#[derive(Debug)]
pub struct ReleasePage {
    /// The releases, newest first.
    pub releases: Vec<ReleaseSummary>,
    /// The place after which the next page begins; `None` on the last page.
    pub next: Option<ReleasePosition>,
}

/// An entry of an index of releases.
#[derive(Deserialize)]
struct ReleaseEntry {
    id: ReleaseId,
    user_id: UserId,
    release_type: String,
    name: Option<String>,
    release_group: Option<String>,
    title: Option<String>,
    package: Option<PackageItem>,
    created_at: i64,
}

impl Store {
    /// Returns a page of at most `limit` releases after `position`.
    pub async fn list_releases(
        &self,
        scope: ReleaseScope,
        filter: &ReleaseFilter,
        position: Option<ReleasePosition>,
        limit: usize,
    ) -> Result<ReleasePage, AwsError> {
        let (mut found, mut reached) = (Vec::new(), position);
        // One more than the page has tells whether another follows.
        let mut take = limit + 1;
        for _ in 0..MAX_QUERIES {
            let (entries, has_more) = self.read_releases(scope, filter, reached, take).await?;
            reached = entries.last().map(position_of).or(reached);
            found.extend(entries.into_iter().filter(|entry| filter.matches(entry)));
            if found.len() > limit {
                found.truncate(limit);
                reached = found.last().map(position_of);
                break;
            }
            if !has_more {
                reached = None;
                break;
            }
            take = NEXT_LIMIT;
        }
        Ok(ReleasePage {
            releases: found,
            next: reached,
        })
    }

    /// Reads at most `limit` entries after `position`. The second value is true if there are more.
    async fn read_releases(
        &self,
        scope: ReleaseScope,
        filter: &ReleaseFilter,
        position: Option<ReleasePosition>,
        limit: usize,
    ) -> Result<(Vec<ReleaseSummary>, bool), AwsError> {
        let (index, (name, value)) = partition(scope);
        let low = filter.created_after.map_or(0, Time::millis);
        let high = filter
            .created_before
            .map_or(i64::MAX, |before| before.millis() - 1);
        if low > high {
            return Ok((Vec::new(), false));
        }
        let start = position.map(|position| start_key(position, name, &value));
        let query = self.client.query().table_name(&self.table);
        let query = query
            .index_name(index)
            .key_condition_expression(
                "#partition = :partition AND created_at BETWEEN :low AND :high",
            )
            .expression_attribute_names("#partition", name)
            .expression_attribute_values(":partition", value)
            .expression_attribute_values(":low", n(low))
            .expression_attribute_values(":high", n(high))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let output = query.send().await.map_err(|error| sdk_error(&error))?;
        let entries = output.items.unwrap_or_default().into_iter();
        let entries = entries.map(|item| from_item::<ReleaseEntry>(item).map(ReleaseSummary::from));
        // A page may end, or even be empty, before the list does: only this key says so.
        let has_more = output.last_evaluated_key.is_some();
        Ok((entries.collect::<Result<_, _>>()?, has_more))
    }
}

fn position_of(release: &ReleaseSummary) -> ReleasePosition {
    ReleasePosition {
        created_at: release.created_at,
        id: release.id,
    }
}

/// Returns the index of a list, and the name and value of its partition.
fn partition(scope: ReleaseScope) -> (&'static str, (&'static str, AttributeValue)) {
    match scope {
        ReleaseScope::Owner(user) => (keys::RELEASES_BY_OWNER, ("user_id", n(user.get()))),
        ReleaseScope::All => (keys::RELEASES, ("kind", s(keys::RELEASE_KIND))),
    }
}

/// Returns the key of an index entry: those of the table and of the index.
fn start_key(position: ReleasePosition, partition: &str, value: &AttributeValue) -> Item {
    let key = keys::release(position.id);
    Item::from([
        ("pk".to_owned(), key.pk()),
        ("sk".to_owned(), key.sk()),
        (partition.to_owned(), value.clone()),
        ("created_at".to_owned(), n(position.created_at.millis())),
    ])
}

impl ReleaseFilter {
    fn matches(&self, release: &ReleaseSummary) -> bool {
        let is_type = |wanted: &String| wanted.eq_ignore_ascii_case(&release.release_type);
        self.release_types.is_empty() || self.release_types.iter().any(is_type)
    }
}

impl From<ReleaseEntry> for ReleaseSummary {
    fn from(entry: ReleaseEntry) -> Self {
        Self {
            id: entry.id,
            user_id: entry.user_id,
            release_type: entry.release_type,
            name: entry.name,
            group: entry.release_group,
            title: entry.title,
            package: entry.package.map(PackageItem::into_package),
            created_at: Time::from_millis(entry.created_at),
        }
    }
}
