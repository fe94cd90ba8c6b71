//! Stores releases and switches their current package.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{
    JobId, ReleaseId, Time, UserId,
    release::{NewRelease, Package, Release, ReplacedPackage},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::{
    CreateReleaseOutcome, IS_NEW, IdempotencyKey, Store, Updated,
    counts::{count_release, counted_releases},
    documents::{from_json, or_logged, to_json},
    idempotency::Made,
    item::{from_item, to_attribute, to_item},
    keys::{self, Key},
    update::{Update, n, s},
};

/// The time from a package's expiry to the deletion of its files. A function whose clock is behind
/// may still restore the package after its expiry.
const DELETION_DELAY: Duration = Duration::from_hours(1);

/// A release as it is stored.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReleaseItem {
    pk: String,
    sk: String,
    /// The partition of the index `releases`. Releases from before that index have none.
    kind: Option<String>,
    id: ReleaseId,
    user_id: UserId,
    release_type: String,
    name: Option<String>,
    /// The beginning of the title, for lists.
    title: Option<String>,
    /// The group. `group` is a reserved word in DynamoDB.
    release_group: Option<String>,
    /// JSON.
    metadata: String,
    created_at: i64,
    package: Option<PackageItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<PackageItem>,
    /// The time at which the sweeper deletes a replaced package; absent if there is none.
    due_at: Option<i64>,
}

/// A package as it is stored.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackageItem {
    job_id: JobId,
    fence: u32,
    version: u32,
    since: i64,
    /// Present only on a replaced package.
    expires_at: Option<i64>,
}

impl Store {
    /// Stores a new release under `id`, with the idempotency key of the user `caller` if there is
    /// one, unless its owner already has `limit` releases. The number of the owner's releases
    /// changes in the same transaction, so it is always exact.
    pub async fn create_release(
        &self,
        id: ReleaseId,
        release: &NewRelease,
        key: Option<(UserId, &IdempotencyKey)>,
        limit: Option<u64>,
        now: Time,
    ) -> Result<CreateReleaseOutcome, AwsError> {
        let release = Release::new(id, release, now);
        let item = to_item(ReleaseItem::new(&release)?)?;
        let mut parts = vec![
            self.put_part(item, Some(IS_NEW))?,
            count_release(release.user_id, limit).into_part(&self.table)?,
        ];
        if let Some((caller, key)) = key {
            parts.push(self.put_key(caller, key, Made::Release(id), now)?);
        }
        let Err(refusals) = self.transact(parts).await? else {
            return Ok(CreateReleaseOutcome::Created(release));
        };
        let mut refusals = refusals
            .into_iter()
            .map(|part| Some(part).filter(|part| part.condition_failed));
        let (_, counted, keyed) = (refusals.next(), refusals.next(), refusals.next());
        if let Some((caller, key)) = key {
            let made = match keyed.flatten() {
                Some(refusal) => match key.repeated(refusal)?.and_then(|item| item.release_id) {
                    None => return Ok(CreateReleaseOutcome::KeyReused),
                    made => made,
                },
                // Several parts of a repeated request are refused, but only one may be reported.
                None => self.release_of_key(caller, key, now).await?,
            };
            if let Some(id) = made {
                return Ok(CreateReleaseOutcome::Existing(id));
            }
        }
        Ok(match counted.flatten() {
            Some(refusal) => CreateReleaseOutcome::TooMany(counted_releases(refusal)?),
            None => CreateReleaseOutcome::IdTaken,
        })
    }

    /// Reads the release `id` consistently, so that it shows a package that has just become
    /// current.
    ///
    /// # Errors
    /// [`AwsError`] also if its metadata is damaged: nothing may be built without it.
    pub async fn release(&self, id: ReleaseId) -> Result<Option<Release>, AwsError> {
        match self.release_item(id).await? {
            Some(item) => item.into_release().map(Some),
            None => Ok(None),
        }
    }

    /// Reads the release `id` like [`Store::release`], to show it. Damaged metadata is logged and
    /// left out.
    pub async fn readable_release(&self, id: ReleaseId) -> Result<Option<Release>, AwsError> {
        let item = self.release_item(id).await?;
        Ok(item.map(|item| {
            let metadata = or_logged(item.metadata()).unwrap_or_default();
            item.with_metadata(metadata)
        }))
    }

    async fn release_item(&self, id: ReleaseId) -> Result<Option<ReleaseItem>, AwsError> {
        let item = self.get_item(&keys::release(id), true).await?;
        item.map(from_item).transpose()
    }

    /// Makes a replaced package of the release `seen` current again. The package it replaces
    /// expires after `keep`. Returns `None` if the release has changed since, or the package has
    /// expired.
    pub async fn restore_package(
        &self,
        seen: Release,
        job_id: JobId,
        now: Time,
        keep: Duration,
    ) -> Result<Option<Release>, AwsError> {
        let Some(restorable) = seen.restorable(job_id, now) else {
            return Ok(None);
        };
        let package = seen.next_package(job_id, restorable.fence, now);
        match self
            .update(switch_package(&seen, &package, now, keep)?)
            .await?
        {
            Updated::Done(_) => {
                let replaced = seen.replaced_by(&package, now, keep);
                Ok(Some(Release {
                    package: Some(package),
                    replaced,
                    ..seen
                }))
            }
            // An earlier try whose response was lost, or a write with the same effect, may have
            // restored the package.
            Updated::Refused(Some(item)) => {
                let release = from_item::<ReleaseItem>(item)?.into_release()?;
                Ok(Some(release).filter(|release| release.package.as_ref() == Some(&package)))
            }
            Updated::Refused(None) => Ok(None),
        }
    }

    /// Removes all replaced packages except `rest` from the release `seen`. Returns `false` if the
    /// release has changed since.
    pub async fn forget_packages(
        &self,
        seen: &Release,
        rest: &[ReplacedPackage],
    ) -> Result<bool, AwsError> {
        let update = Update::new(keys::release(seen.id))
            .replaced(seen.id, rest)?
            .only_if("#replaced = :seen")
            .value(":seen", replaced_list(&seen.replaced)?);
        let update = only_package(update, seen.package.as_ref());
        Ok(matches!(self.update(update).await?, Updated::Done(_)))
    }
}

/// The time from which the sweeper may delete the files of a replaced package.
#[must_use]
pub fn files_deletable_at(replaced: &ReplacedPackage) -> Time {
    replaced.expires_at.after(DELETION_DELAY)
}

/// Builds the update that makes `package` the current package of the release `seen`.
pub(super) fn switch_package(
    seen: &Release,
    package: &Package,
    now: Time,
    keep: Duration,
) -> Result<Update, AwsError> {
    let update = Update::new(keys::release(seen.id))
        .set("package", to_attribute(PackageItem::from(package))?)
        .replaced(seen.id, &seen.replaced_by(package, now, keep))?;
    Ok(only_package(update, seen.package.as_ref()))
}

/// Adds the condition that `package` is the release's current one.
pub(super) fn only_package(update: Update, package: Option<&Package>) -> Update {
    match package {
        None => update
            .only_if("attribute_exists(pk)")
            .only_if("attribute_not_exists(#package)"),
        Some(package) => update
            .only_if("#package.#version = :version AND #package.#job_id = :job_id")
            .value(":version", n(package.version))
            .value(":job_id", n(package.job_id.get())),
    }
}

impl Update {
    /// Sets the metadata of the release `seen`, and the title that lists show, if its metadata have
    /// not changed since.
    pub(super) fn metadata(
        self,
        seen: &Release,
        metadata: &Map<String, Value>,
    ) -> Result<Self, AwsError> {
        let json = |metadata: &Map<String, Value>| to_json(&Value::Object(metadata.clone())).map(s);
        Ok(self
            .set("metadata", json(metadata)?)
            .set_or_remove("title", Release::short_title(metadata).map(s))
            .only_if("#metadata = :seen")
            .value(":seen", json(&seen.metadata)?))
    }

    /// Sets the replaced packages of release `id`, and the due time of the first to delete.
    fn replaced(self, id: ReleaseId, replaced: &[ReplacedPackage]) -> Result<Self, AwsError> {
        let due_at = replaced.iter().map(files_deletable_at).min();
        Ok(self
            .set("replaced", replaced_list(replaced)?)
            .set("shard", n(keys::shard(id.get())))
            .set_or_remove("due_at", due_at.map(|due_at| n(due_at.millis()))))
    }
}

fn replaced_list(replaced: &[ReplacedPackage]) -> Result<AttributeValue, AwsError> {
    to_attribute(replaced.iter().map(PackageItem::from).collect::<Vec<_>>())
}

impl ReleaseItem {
    /// Creates the item of a new release.
    fn new(release: &Release) -> Result<Self, AwsError> {
        let Key { pk, sk } = keys::release(release.id);
        Ok(Self {
            pk,
            sk,
            kind: Some(keys::RELEASE_KIND.to_owned()),
            id: release.id,
            user_id: release.user_id,
            release_type: release.release_type.clone(),
            name: release.name.clone(),
            title: Release::short_title(&release.metadata),
            release_group: release.group.clone(),
            metadata: to_json(&Value::Object(release.metadata.clone()))?,
            created_at: release.created_at.millis(),
            package: None,
            replaced: Vec::new(),
            due_at: None,
        })
    }

    fn metadata(&self) -> Result<Map<String, Value>, AwsError> {
        from_json(&self.metadata, &keys::release(self.id), "metadata")
    }

    pub(super) fn into_release(self) -> Result<Release, AwsError> {
        let metadata = self.metadata()?;
        Ok(self.with_metadata(metadata))
    }

    fn with_metadata(self, metadata: Map<String, Value>) -> Release {
        let replaced = self.replaced.into_iter();
        Release {
            id: self.id,
            user_id: self.user_id,
            release_type: self.release_type,
            name: self.name,
            group: self.release_group,
            metadata,
            created_at: Time::from_millis(self.created_at),
            package: self.package.map(PackageItem::into_package),
            replaced: replaced.map(PackageItem::into_replaced).collect(),
        }
    }
}

impl From<&Package> for PackageItem {
    fn from(package: &Package) -> Self {
        Self {
            job_id: package.job_id,
            fence: package.fence,
            version: package.version,
            since: package.since.millis(),
            expires_at: None,
        }
    }
}

impl From<&ReplacedPackage> for PackageItem {
    fn from(replaced: &ReplacedPackage) -> Self {
        Self {
            expires_at: Some(replaced.expires_at.millis()),
            ..Self::from(&replaced.package)
        }
    }
}

impl PackageItem {
    pub(super) fn into_package(self) -> Package {
        Package {
            job_id: self.job_id,
            fence: self.fence,
            version: self.version,
            since: Time::from_millis(self.since),
        }
    }

    fn into_replaced(self) -> ReplacedPackage {
        let expires_at = Time::from_millis(self.expires_at.unwrap_or(self.since));
        ReplacedPackage {
            package: self.into_package(),
            expires_at,
        }
    }
}
