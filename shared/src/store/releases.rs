//! Releases in the table.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Store,
    item::{read, write},
    jobs::{document, object},
    keys,
};
use crate::{
    aws::AwsError,
    job::{JobId, ReleaseId, UserId},
    release::{Package, Release},
    time::Time,
};

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
}

/// The current package, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackageItem {
    pub job_id: JobId,
    pub fence: u32,
    pub version: u32,
    pub created_at: i64,
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
        };
        let stored = self.put_new(write(&item)?).await?;
        if stored { item.into_release().map(Some) } else { Ok(None) }
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
}

impl ReleaseItem {
    fn into_release(self) -> Result<Release, AwsError> {
        Ok(Release {
            id: self.id,
            user_id: self.user_id,
            release_type: self.release_type,
            name: self.name,
            group: self.release_group,
            metadata: object(Some(self.metadata))?,
            created_at: Time::from_millis(self.created_at),
            package: self.package.map(PackageItem::into_package),
        })
    }
}

impl PackageItem {
    fn into_package(self) -> Package {
        Package { job_id: self.job_id, fence: self.fence, version: self.version }
    }
}
