//! Lists of jobs, newest first, from the index that fits the question.
//!
//! A question is answered from one or a few *streams*: partitions of an index, each in the order of ids. They are merged,
//! and each round reads more of those that have nothing left to merge. Conditions that no key can express are checked
//! here, on at most [`MAX_EXAMINED`] entries a page.

mod stream;

use aws::AwsError;
use futures::future::try_join_all;
use jobs::{JobId, JobType, MAX_ID, ReleaseId, Status, Summary, Time, UserId};

use self::stream::{IndexEntry, Stream, streams};
use crate::{Store, keys};

/// The largest number of index entries that one page examines before it returns what it has found.
pub const MAX_EXAMINED: usize = 1_000;
/// The largest number of rounds of queries that one page makes.
const MAX_ROUNDS: usize = 8;
/// How many entries a round reads of each stream once the first has shown that matches are rare.
const RARE_LIMIT: usize = 250;

/// Whose jobs are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One user's.
    Owner(UserId),
    /// One release's.
    Release(ReleaseId),
    /// Everyone's.
    All,
}

/// Which of them; all conditions have to hold, and an empty one always does.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One of these statuses.
    pub statuses: Vec<Status>,
    /// One of these types.
    pub job_types: Vec<JobType>,
    /// Of this release.
    pub release_id: Option<ReleaseId>,
    /// Of this user.
    pub created_by: Option<UserId>,
    /// Created at this time or later.
    pub created_after: Option<Time>,
    /// Created before this time.
    pub created_before: Option<Time>,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The jobs, newest first.
    pub jobs: Vec<Summary>,
    /// The job after which the next page begins; `None` at the end.
    pub next: Option<JobId>,
}

impl Store {
    /// A page of at most `limit` jobs with ids below `before`.
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
        // The first round reads just the page: most questions are answered by it.
        let mut take = limit + 1;
        for _ in 0..MAX_ROUNDS {
            if walk.high <= low || walk.is_done() {
                break;
            }
            if open.is_empty() {
                floor = floor_of(scope, low, walk.high - 1);
                open = streams(scope, filter, floor, walk.high - 1);
            }
            self.read_round(&mut open, floor, walk.high - 1, take)
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

    /// Reads more of each stream that has nothing left to merge.
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
            // A job that has left this stream since the last round is in one that may have been read before.
            for stream in open.iter_mut() {
                stream.restart(low, high);
            }
        }
        let empty = open.iter_mut().filter(|stream| stream.needs_read());
        try_join_all(empty.map(|stream| self.read_stream(stream, limit))).await?;
        Ok(())
    }

    /// The first `limit` of `jobs`; the next page begins after them, or else at `reached`.
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
        // Progress is in no index, since it changes too often: running jobs are read by their keys.
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

/// Where the streams of the jobs below `high` end: below one time bucket lies the next.
fn floor_of(scope: Scope, low: u64, high: u64) -> u64 {
    match scope {
        Scope::All => low.max(keys::bucket_floor(keys::bucket(high))),
        Scope::Owner(_) | Scope::Release(_) => low,
    }
}

/// The progress of a walk over streams, in the order of ids.
struct Walk {
    found: Vec<Summary>,
    examined: usize,
    wanted: usize,
    /// Every job with this id or a higher one has been examined.
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

    /// Merges the buffers of the streams, newest first, and keeps what matches: until enough is found, or a stream has
    /// to be read whose entries may be newer than those of the others.
    fn examine(&mut self, streams: &mut [Stream], filter: &Filter) {
        while !self.is_done() && !streams.iter().any(Stream::needs_read) {
            let newest = streams
                .iter_mut()
                .max_by_key(|stream| stream.buffer.front().map(|entry| entry.id));
            let Some(entry) = newest.and_then(|stream| stream.buffer.pop_front()) else {
                return;
            };
            self.examined += 1;
            // A job that changed its phase between two reads is in both streams.
            let is_repeated = entry.id.get() >= self.high;
            self.high = entry.id.get();
            if !is_repeated && filter.matches(&entry) {
                self.found.push(entry.into());
            }
        }
    }

    /// How many entries of each stream the next round reads.
    fn next_limit(&self) -> usize {
        let all_matched = self.found.len() == self.examined;
        if all_matched {
            // A time bucket has ended, and the rest of the page is in the next.
            self.wanted.saturating_sub(self.found.len()).max(1)
        } else {
            RARE_LIMIT
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
