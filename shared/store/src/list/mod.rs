//! Lists jobs, newest first, from the index that fits the query.
//!
//! A query reads one or a few *streams*: partitions of an index, each in the order of ids. The
//! streams are merged, and each round reads more of those with nothing left to merge. Conditions
//! that a key cannot express are checked here, on at most [`MAX_EXAMINED`] entries a page.

mod stream;

use aws::AwsError;
use futures::future::try_join_all;
use jobs::{JobId, JobType, MAX_ID, ReleaseId, Status, Summary, Time, UserId};

use self::stream::{IndexEntry, Stream, streams};
use crate::{Store, keys};

/// The largest number of index entries examined for one page, which may leave it incomplete.
pub const MAX_EXAMINED: usize = 1_000;
/// The largest number of rounds of queries for one page.
const MAX_ROUNDS: usize = 8;
/// The largest number of entries that a round reads from a stream of one user or release: some 16
/// units.
const MAX_STREAM_LIMIT: usize = 250;

/// The jobs that a list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The jobs of one user.
    Owner(UserId),
    /// The jobs of one release.
    Release(ReleaseId),
    /// All jobs.
    All,
}

/// The conditions on listed jobs. All must hold; an empty list or `None` always holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Has one of these statuses.
    pub statuses: Vec<Status>,
    /// Has one of these types.
    pub job_types: Vec<JobType>,
    /// Works on this release.
    pub release_id: Option<ReleaseId>,
    /// Belongs to this user.
    pub created_by: Option<UserId>,
    /// Was created at this time or later.
    pub created_after: Option<Time>,
    /// Was created before this time.
    pub created_before: Option<Time>,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The jobs, newest first.
    pub jobs: Vec<Summary>,
    /// The job after which the next page begins; `None` on the last page.
    pub next: Option<JobId>,
}

impl Store {
    /// Returns a page of at most `limit` jobs with ids below `before`.
    pub async fn list(
        &self,
        scope: Scope,
        filter: &Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> Result<Page, AwsError> {
        let low = filter.created_after.map_or(0, JobId::floor);
        let before = before.map_or(MAX_ID, JobId::get);
        let high = before.min(filter.created_before.map_or(MAX_ID, JobId::floor));
        let mut walk = Walk::new(high, limit + 1);
        let (mut open, mut floor) = (Vec::new(), low);
        // The first round reads exactly a page, which is enough for most queries.
        let mut take = limit + 1;
        for _ in 0..MAX_ROUNDS {
            if walk.high <= low || walk.is_done() {
                break;
            }
            if open.is_empty() {
                floor = stream_floor(scope, low, walk.high - 1);
                open = streams(scope, filter, floor, walk.high - 1);
            }
            let limit = stream_limit(scope, take, open.len());
            self.read_round(&mut open, floor, walk.high - 1, limit)
                .await?;
            walk.examine(&mut open, filter);
            if open.iter().all(Stream::has_ended) {
                walk.high = floor;
                open.clear();
            }
            take = walk.next_limit();
        }
        let next = (walk.high > low).then_some(walk.high);
        self.page(walk.found, filter, limit, next).await
    }

    /// Reads more of each stream with nothing left to merge.
    async fn read_round(
        &self,
        open: &mut [Stream],
        low: u64,
        high: u64,
        limit: usize,
    ) -> Result<(), AwsError> {
        if open
            .iter()
            .any(|stream| stream.is_transient && stream.needs_read())
        {
            // A job that left this stream since the last round may be in one that was already read.
            for stream in open.iter_mut() {
                stream.restart(low, high);
            }
        }
        let empty = open.iter_mut().filter(|stream| stream.needs_read());
        try_join_all(empty.map(|stream| self.read_stream(stream, limit))).await?;
        Ok(())
    }

    /// Builds a page from the first `limit` of `jobs`. The next page begins after them if there are
    /// more, otherwise at `reached`.
    async fn page(
        &self,
        mut jobs: Vec<Summary>,
        filter: &Filter,
        limit: usize,
        reached: Option<u64>,
    ) -> Result<Page, AwsError> {
        let is_full = jobs.len() > limit;
        jobs.truncate(limit);
        let next = if is_full {
            jobs.last().map(|job| job.id.get())
        } else {
            reached
        };
        // No index contains the progress, which changes too often, so read running jobs by key.
        let running = jobs.iter().filter(|job| job.status == Status::Running);
        let running: Vec<JobId> = running.map(|job| job.id).collect();
        let fresh = self.jobs(&running, false).await?;
        for job in &mut jobs {
            if let Some(fresh) = fresh.get(&job.id) {
                *job = fresh.into();
            }
        }
        jobs.retain(|job| filter.has_status(job.status));
        Ok(Page {
            jobs,
            next: next.and_then(|id| JobId::try_from(id).ok()),
        })
    }
}

/// Returns the number of entries to read from each stream, for `wanted` entries of all streams.
fn stream_limit(scope: Scope, wanted: usize, streams: usize) -> usize {
    match scope {
        // Ids spread jobs over the shards at random, so a shard with more than its share and four
        // standard deviations is rare, and is read again.
        Scope::All => {
            let share = wanted.div_ceil(streams.max(1));
            share + 4 * share.isqrt()
        }
        // All of the newest jobs may be in one of the few other streams.
        Scope::Owner(_) | Scope::Release(_) => wanted.min(MAX_STREAM_LIMIT),
    }
}

/// Returns the smallest id in the streams that start at `high`. A stream of all jobs covers one
/// time bucket.
fn stream_floor(scope: Scope, low: u64, high: u64) -> u64 {
    match scope {
        Scope::All => low.max(keys::bucket_floor(keys::bucket(high))),
        Scope::Owner(_) | Scope::Release(_) => low,
    }
}

/// A walk over streams, in descending order of ids.
struct Walk {
    found: Vec<Summary>,
    examined: usize,
    wanted: usize,
    /// The last examined id: all jobs from this id upward have been examined.
    high: u64,
}

impl Walk {
    const fn new(high: u64, wanted: usize) -> Self {
        Self {
            found: Vec::new(),
            examined: 0,
            wanted,
            high,
        }
    }

    /// Merges the buffers of the streams, newest first, and keeps the matches. Stops when enough
    /// are found, or when a stream must be read before the order is known.
    fn examine(&mut self, streams: &mut [Stream], filter: &Filter) {
        while !self.is_done() && !streams.iter().any(Stream::needs_read) {
            let newest = streams
                .iter_mut()
                .max_by_key(|stream| stream.buffer.front().map(|entry| entry.id));
            let Some(entry) = newest.and_then(|stream| stream.buffer.pop_front()) else {
                return;
            };
            self.examined += 1;
            // A job whose phase changed between two reads is in both streams.
            let is_repeated = entry.id.get() >= self.high;
            self.high = entry.id.get();
            if !is_repeated && filter.matches(&entry) {
                self.found.push(entry.into());
            }
        }
    }

    /// Returns the number of entries that the next round reads from all streams.
    fn next_limit(&self) -> usize {
        let all_matched = self.found.len() == self.examined;
        if all_matched {
            // A time bucket has ended, and the next one has the rest of the page.
            self.wanted.saturating_sub(self.found.len()).max(1)
        } else {
            MAX_EXAMINED
        }
    }

    fn is_done(&self) -> bool {
        self.found.len() >= self.wanted || self.examined >= MAX_EXAMINED
    }
}

impl Filter {
    fn matches(&self, entry: &IndexEntry) -> bool {
        let has_type = |job_type| self.job_types.contains(&job_type);
        (self.job_types.is_empty() || entry.job_type.is_some_and(has_type))
            && self
                .release_id
                .is_none_or(|id| entry.release_id == Some(id))
            && self.created_by.is_none_or(|user| entry.created_by == user)
            && self.has_status(entry.status)
    }

    fn has_status(&self, status: Status) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status)
    }
}
