//! Keys of the table's items and names of its indexes. docs/data-model.md lists them all.

use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{JobId, ReleaseId, UserId};

/// Jobs of one user, by id.
pub(super) const BY_OWNER: &str = "by_owner";
/// Jobs of one user, by phase and id.
pub(super) const BY_OWNER_PHASE: &str = "by_owner_phase";
/// Jobs of one release, by id.
pub(super) const BY_RELEASE: &str = "by_release";
/// All jobs, by time bucket, shard and id.
pub(super) const RECENT: &str = "recent";
/// Releases of one user, by time of creation.
pub(super) const RELEASES_BY_OWNER: &str = "releases_by_owner";
/// All releases, by time of creation. They share one partition.
pub(super) const RELEASES: &str = "releases";
/// The partition of the index [`RELEASES`].
pub(super) const RELEASE_KIND: &str = "release";
/// Jobs and releases to sweep, by due time.
pub(super) const DUE: &str = "due";

/// The number of partitions of each of the indexes `recent` and `due`, which span all users.
pub const SHARDS: u64 = 16;

/// Sort key of a job, a release and an idempotency key. It sorts after `LOG#`, so that one
/// descending query returns the job first and then the end of its log.
pub(super) const META: &str = "META";
/// Sort key of a configuration too large for the job's item.
pub(super) const CONFIG: &str = "META#CONFIG";
/// Sort key of a result too large for the job's item.
pub(super) const RESULT: &str = "META#RESULT";

/// Beginning of the sort keys of log chunks.
pub(super) const LOG: &str = "LOG#";

/// Sort key of the permits held for a release or a user.
pub(super) const PERMITS: &str = "PERMITS";

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub fn pk(&self) -> AttributeValue {
        AttributeValue::S(self.pk.clone())
    }

    pub fn sk(&self) -> AttributeValue {
        AttributeValue::S(self.sk.clone())
    }
}

pub(super) fn job(id: JobId) -> Key {
    job_part(id, META)
}

pub(super) fn job_part(id: JobId, sk: &str) -> Key {
    Key {
        pk: format!("JOB#{id}"),
        sk: sk.to_owned(),
    }
}

/// The key of a log chunk. It contains the chunk's last `seq`, so that a query for `sk > LOG#after`
/// starts at the chunk with entry `after + 1`.
pub(super) fn log(id: JobId, last_seq: u64) -> Key {
    job_part(id, &log_sk(last_seq))
}

pub(super) fn log_sk(last_seq: u64) -> String {
    format!("{LOG}{last_seq:010}")
}

pub(super) fn release(id: ReleaseId) -> Key {
    Key {
        pk: format!("RELEASE#{id}"),
        sk: META.to_owned(),
    }
}

pub(super) fn permits(kind: &str, id: u64) -> Key {
    Key {
        pk: format!("{kind}#{id}"),
        sk: PERMITS.to_owned(),
    }
}

/// The key of the number of releases that a user owns.
pub(super) fn release_count(user: UserId) -> Key {
    Key {
        pk: format!("USER#{user}"),
        sk: "RELEASES".to_owned(),
    }
}

/// The key of the uploads signed for a release.
pub(super) fn uploads(id: ReleaseId) -> Key {
    Key {
        sk: "UPLOADS".to_owned(),
        ..release(id)
    }
}

/// The key of the idempotency key with which a user made a job.
pub(super) fn idempotency(user: UserId, key: &str) -> Key {
    Key {
        pk: format!("IDEMPOTENCY#{user}#{key}"),
        sk: META.to_owned(),
    }
}

/// The key of the idempotency key with which a user made a release.
pub(super) fn release_idempotency(user: UserId, key: &str) -> Key {
    Key {
        sk: "RELEASE".to_owned(),
        ..idempotency(user, key)
    }
}

/// The key of a ticket for the live channel.
pub(super) fn ticket(hash: &str) -> Key {
    Key {
        pk: format!("TICKET#{hash}"),
        sk: "TICKET".to_owned(),
    }
}

/// The partition of a connection to the live channel: its session, and what it watches.
pub(super) fn connection(id: &str) -> String {
    format!("CONNECTION#{id}")
}

/// The partition of those who watch one thing.
pub(super) fn watchers(watched: &str) -> String {
    format!("WATCH#{watched}")
}

/// The time bucket of a job in the index `recent`: the bits of its id above the lowest 43. One
/// bucket spans 2^31 milliseconds, about 25 days.
pub(super) const fn bucket(id: u64) -> u64 {
    id >> BUCKET_BITS
}

/// The smallest id of a bucket.
pub(super) const fn bucket_floor(bucket: u64) -> u64 {
    bucket << BUCKET_BITS
}

const BUCKET_BITS: u32 = 43;

pub(super) const fn shard(id: u64) -> u64 {
    id % SHARDS
}
