//! Changes of a release by its owner.

use aws::AwsError;
use jobs::release::{Release, ReleaseFields};

use crate::{
    EditReleaseOutcome, Store, Updated,
    item::{Item, from_item},
    keys,
    releases::ReleaseItem,
    update::{Update, s},
};

impl Store {
    /// Writes the fields in which `fields` differ from the release `seen`. Metadata replace those
    /// that were seen, and no others, so that no change by a job or another client is lost.
    pub async fn edit_release(
        &self,
        seen: &Release,
        fields: &ReleaseFields,
    ) -> Result<EditReleaseOutcome, AwsError> {
        let old = ReleaseFields::from(seen);
        let mut update = Update::new(keys::release(seen.id)).only_if("attribute_exists(pk)");
        if fields.release_type != old.release_type {
            update = update.set("release_type", s(&fields.release_type));
        }
        if fields.name != old.name {
            update = update.set_or_remove("name", fields.name.clone().map(s));
        }
        if fields.group != old.group {
            update = update.set_or_remove("release_group", fields.group.clone().map(s));
        }
        if fields.metadata != old.metadata {
            update = update.metadata(seen, &fields.metadata)?;
        }
        Ok(match self.update(update).await? {
            Updated::Done(item) => EditReleaseOutcome::Edited(read(item)?),
            Updated::Refused(Some(item)) => {
                let release = read(item)?;
                // An earlier try whose response was lost may have made the change.
                if ReleaseFields::from(&release) == *fields {
                    EditReleaseOutcome::Edited(release)
                } else {
                    EditReleaseOutcome::Changed
                }
            }
            Updated::Refused(None) => EditReleaseOutcome::Missing,
        })
    }
}

fn read(item: Item) -> Result<Release, AwsError> {
    from_item::<ReleaseItem>(item)?.into_release()
}
