//! Releases in the table.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{
    JobId, ReleaseId, Time, UserId,
    release::{Package, Release, ReplacedPackage},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Store, Written,
    item::{attribute, read, write},
    job::{document, object},
    keys,
    update::{Update, n},
};

/// How long after it has expired a package's files are deleted: whoever may still have made it
/// current has done so, however its clock is set.
const DELETED_AFTER: Duration = Duration::from_hours(1);

#[derive(Debug, Serialize, Deserialize)]
struct ReleaseItem {
    pk: String,
    sk: String,
    id: ReleaseId,
    user_id: UserId,
    release_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The group; `group` alone is a reserved word of DynamoDB's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release_group: Option<String>,
    /// JSON.
    metadata: String,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<PackageItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<PackageItem>,
    /// When the sweeper should delete a replaced package; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
}

/// A package, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct PackageItem {
    job_id: JobId,
    fence: u32,
    version: u32,
    since: i64,
    /// Of a replaced one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// A release that is to be stored.
#[derive(Clone, Debug)]
pub struct NewRelease {
    /// Who owns it.
    pub user_id: UserId,
    /// What kind it is.
    pub release_type: String,
    /// Its name.
    pub name: Option<String>,
    /// The group that publishes it.
    pub group: Option<String>,
    /// What is known of the work.
    pub metadata: Map<String, Value>,
}

impl Store {
    /// Stores a new release. `None` says that the id is taken.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn create_release(
        &self,
        id: ReleaseId,
        release: &NewRelease,
        now: Time,
    ) -> Result<Option<Release>, AwsError> {
        let keys::Key { pk, sk } = keys::release(id);
        let release = release.clone();
        let item = ReleaseItem {
            pk,
            sk,
            id,
            user_id: release.user_id,
            release_type: release.release_type,
            name: release.name,
            release_group: release.group,
            metadata: document(&Value::Object(release.metadata))?,
            created_at: now.millis(),
            package: None,
            replaced: Vec::new(),
            due_at: None,
        };
        let stored = self.put_new(write(&item)?).await?;
        if stored {
            item.into_release().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The release `id`, read consistently: a package that has just become current is seen.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn release(&self, id: ReleaseId) -> Result<Option<Release>, AwsError> {
        match self.get_item(&keys::release(id), true).await? {
            Some(item) => read::<ReleaseItem>(item)?.into_release().map(Some),
            None => Ok(None),
        }
    }

    /// Makes a package of the release, as it was `seen`, current again, and keeps the one that is
    /// current for `keep`. `None`: the release has changed since, or the package is not kept.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn restore_package(
        &self,
        seen: Release,
        job_id: JobId,
        now: Time,
        keep: Duration,
    ) -> Result<Option<Release>, AwsError> {
        let Some(kept) = seen.kept(job_id, now) else {
            return Ok(None);
        };
        let package = seen.next_package(job_id, kept.fence, now);
        match self.update(switched(&seen, &package, now, keep)?).await? {
            Written::Done(_) => {
                let replaced = seen.replaced_by(&package, now, keep);
                Ok(Some(Release {
                    package: Some(package),
                    replaced,
                    ..seen
                }))
            }
            // Refused by this very write, whose answer was lost, or by another with the same effect.
            Written::Refused(Some(item)) => {
                let release = read::<ReleaseItem>(item)?.into_release()?;
                Ok(Some(release).filter(|release| release.package.as_ref() == Some(&package)))
            }
            Written::Refused(None) => Ok(None),
        }
    }

    /// Forgets the replaced packages of the release, as it was `seen`, other than `rest`.
    /// `false`: it has changed since.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn forget_packages(
        &self,
        seen: &Release,
        rest: &[ReplacedPackage],
    ) -> Result<bool, AwsError> {
        let update = with_replaced(Update::of(keys::release(seen.id)), seen.id, rest)?
            .only_if("#replaced = :seen")
            .value(":seen", replaced_list(&seen.replaced)?);
        Ok(matches!(
            self.update(only_package(update, seen.package.as_ref()))
                .await?,
            Written::Done(_)
        ))
    }
}

/// When the sweeper may delete the files of a replaced package.
#[must_use]
pub fn deletes_at(replaced: &ReplacedPackage) -> Time {
    replaced.expires_at.after(DELETED_AFTER)
}

/// The write that makes `package` the current one of the release as it was `seen`.
pub(super) fn switched(
    seen: &Release,
    package: &Package,
    now: Time,
    keep: Duration,
) -> Result<Update, AwsError> {
    let update = Update::of(keys::release(seen.id))
        .set("package", attribute(PackageItem::of(package, None))?);
    let update = with_replaced(update, seen.id, &seen.replaced_by(package, now, keep))?;
    Ok(only_package(update, seen.package.as_ref()))
}

fn with_replaced(
    update: Update,
    id: ReleaseId,
    replaced: &[ReplacedPackage],
) -> Result<Update, AwsError> {
    let update = update
        .set("replaced", replaced_list(replaced)?)
        .set("shard", n(keys::shard(id.get())));
    let due = replaced.iter().map(deletes_at).min();
    Ok(update.set_or_remove("due_at", due.map(|due| n(due.millis()))))
}

fn replaced_list(replaced: &[ReplacedPackage]) -> Result<AttributeValue, AwsError> {
    let item =
        |replaced: &ReplacedPackage| PackageItem::of(&replaced.package, Some(replaced.expires_at));
    attribute(replaced.iter().map(item).collect::<Vec<_>>())
}

/// Only while `package` is the release's current one.
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

impl ReleaseItem {
    fn into_release(self) -> Result<Release, AwsError> {
        Ok(Release {
            id: self.id,
            user_id: self.user_id,
            release_type: self.release_type,
            name: self.name,
            group: self.release_group,
            metadata: object(&self.metadata)?,
            created_at: Time::from_millis(self.created_at),
            package: self.package.map(PackageItem::into_package),
            replaced: self
                .replaced
                .into_iter()
                .map(PackageItem::into_replaced)
                .collect(),
        })
    }
}

impl PackageItem {
    fn of(package: &Package, expires_at: Option<Time>) -> Self {
        Self {
            job_id: package.job_id,
            fence: package.fence,
            version: package.version,
            since: package.since.millis(),
            expires_at: expires_at.map(Time::millis),
        }
    }

    fn into_package(self) -> Package {
        let since = Time::from_millis(self.since);
        Package {
            job_id: self.job_id,
            fence: self.fence,
            version: self.version,
            since,
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
