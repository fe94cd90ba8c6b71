//! The fields of a release that its owner chooses.

use serde_json::{Map, Value, json};

use super::{MAX_NAME_CHARS, NewRelease, Release, check_group, check_metadata, check_type};
use crate::{FieldReader, ReadFields, UserId};

/// The fields of a release that its owner chooses, and may change.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseFields {
    /// Its type.
    pub release_type: String,
    /// Its name.
    pub name: Option<String>,
    /// The group that publishes it.
    pub group: Option<String>,
    /// The metadata of the work.
    pub metadata: Map<String, Value>,
}

impl ReadFields for ReleaseFields {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let release_type = fields.required("release_type", |fields, name| {
            fields.checked(name, check_type)
        });
        let name = fields.line("name", MAX_NAME_CHARS);
        let group = fields.checked("group", check_group);
        let metadata = fields.object("metadata").unwrap_or_default();
        for error in check_metadata(&metadata) {
            fields.error(&error.field, error.message);
        }
        Some(Self {
            release_type: release_type?,
            name,
            group,
            metadata,
        })
    }
}

impl ReleaseFields {
    /// The release of `user_id` with these fields.
    #[must_use]
    pub fn owned_by(self, user_id: UserId) -> NewRelease {
        NewRelease {
            user_id,
            release_type: self.release_type,
            name: self.name,
            group: self.group,
            metadata: self.metadata,
        }
    }

    /// The fields as an object, as a client sends them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "release_type": self.release_type,
            "name": self.name,
            "group": self.group,
            "metadata": self.metadata,
        })
    }
}

impl From<&Release> for ReleaseFields {
    fn from(release: &Release) -> Self {
        Self {
            release_type: release.release_type.clone(),
            name: release.name.clone(),
            group: release.group.clone(),
            metadata: release.metadata.clone(),
        }
    }
}
