//! Lists of jobs, newest first, from the index that fits the question.
//!
//! A question is answered from one or a few *streams*: partitions of an index, each in the order
//! of ids. They are merged; each round reads on those that have nothing left to merge. What no key
//! can filter is filtered here, within [`MAX_EXAMINED`] entries.

use std::collections::{BTreeMap, HashMap, VecDeque};

use aws::AwsError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::try_join_all;
use jobs::{Failure, Job, JobId, JobType, MAX_ID, ReleaseId, Status, Summary, Time, UserId};
use serde::Deserialize;

use super::{
    DYNAMODB, Store, failed,
    item::{phase, read},
    job_of, keys,
    update::{n, s},
};

/// How many index entries one page examines at the most before it gives what it has found.
pub const MAX_EXAMINED: usize = 1_000;
/// How many rounds of queries one page makes at the most.
const MAX_ROUNDS: usize = 8;
/// How many entries a round asks of each stream once the first has shown that matches are rare.
const RARE_LIMIT: usize = 250;
/// `BatchGetItem` takes 100 keys (Amazon DynamoDB API Reference, "`BatchGetItem`").
const BATCH: usize = 100;

/// Whose jobs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One user's.
    Owner(UserId),
    /// One release's.
    Release(ReleaseId),
    /// Everyone's.
    All,
}

/// Which of them; all conditions have to hold, an empty one always does.
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
    /// Behind which job the next page goes on; `None` at the end.
    pub next: Option<JobId>,
}

/// An index entry: what a summary shows, but for the progress.
#[derive(Debug, Deserialize)]
struct Entry {
    id: JobId,
    created_by: UserId,
    release_id: Option<ReleaseId>,
    job_type: Option<JobType>,
    status: Status,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    error_code: Option<String>,
    error_message: Option<String>,
}

/// One partition of an index, read from its newest entry to its oldest.
struct Stream {
    index: &'static str,
    /// The partition: names and values of its keys.
    keys: Vec<(&'static str, AttributeValue)>,
    /// What has been read and not yet examined, newest first.
    ahead: VecDeque<Entry>,
    /// Between which ids there may be entries that were not read yet.
    unread: Option<(u64, u64)>,
    /// Whether its jobs move to other streams: those of a phase that ends.
    passing: bool,
}

impl Store {
    /// A page of at most `limit` jobs whose ids are below `before`.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn list(
        &self,
        scope: Scope,
        filter: &Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> Result<Page, AwsError> {
        let low = filter.created_after.map_or(0, JobId::floor);
        let high = before
            .map_or(MAX_ID, JobId::get)
            .min(filter.created_before.map_or(MAX_ID, JobId::floor));
        let mut walk = Walk {
            found: Vec::new(),
            examined: 0,
            wanted: limit + 1,
            high,
        };
        let (mut streams, mut floor) = (Vec::new(), low);
        // The first round reads just the page: most questions are answered by it.
        let mut take = limit + 1;
        for _ in 0..MAX_ROUNDS {
            if walk.high <= low || walk.is_done() {
                break;
            }
            if streams.is_empty() {
                // Below one time bucket lies the next: an end of its streams is no end of the list.
                floor = if scope == Scope::All {
                    low.max(keys::bucket_floor(keys::bucket(walk.high - 1)))
                } else {
                    low
                };
                streams = streams_of(scope, filter, floor, walk.high - 1);
            }
            if streams
                .iter()
                .any(|stream| stream.passing && stream.is_dry())
            {
                // What has left it since the last round is in a stream that may have been read before.
                for stream in &mut streams {
                    stream.restart(floor, walk.high - 1);
                }
            }
            try_join_all(
                streams
                    .iter_mut()
                    .filter(|stream| stream.is_dry())
                    .map(|dry| self.read_on(dry, take)),
            )
            .await?;
            walk.examine(&mut streams, filter);
            if streams.iter().all(Stream::has_ended) {
                walk.high = floor;
                streams.clear();
            }
            // Where everything matched, a time bucket has ended, and the rest of the page is in the next.
            take = if walk.found.len() < walk.examined {
                RARE_LIMIT
            } else {
                walk.missing()
            };
        }
        let next = (walk.high > low).then_some(walk.high);
        self.page(walk.found, filter, limit, next).await
    }

    async fn read_on(&self, stream: &mut Stream, take: usize) -> Result<(), AwsError> {
        let Some((low, high)) = stream.unread else {
            return Ok(());
        };
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(stream.index);
        let mut condition = "#id BETWEEN :low AND :high".to_owned();
        for (name, value) in &stream.keys {
            condition = format!("#{name} = :{name} AND {condition}");
            query = query.expression_attribute_names(format!("#{name}"), *name);
            query = query.expression_attribute_values(format!(":{name}"), value.clone());
        }
        let output = query
            .key_condition_expression(condition)
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":low", n(low))
            .expression_attribute_values(":high", n(high))
            .scan_index_forward(false)
            .limit(i32::try_from(take).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let more = output.last_evaluated_key.is_some();
        stream.ahead = output
            .items
            .unwrap_or_default()
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()?;
        let last = stream
            .ahead
            .back()
            .filter(|last| more && last.id.get() > low);
        stream.unread = last.map(|last| (low, last.id.get() - 1));
        Ok(())
    }

    /// The first `limit` of `jobs`; the next page goes on behind them, or else at `reached`.
    async fn page(
        &self,
        mut jobs: Vec<Summary>,
        filter: &Filter,
        limit: usize,
        reached: Option<u64>,
    ) -> Result<Page, AwsError> {
        let full = jobs.len() > limit;
        jobs.truncate(limit);
        let position = if full {
            jobs.last().map(|job| job.id.get())
        } else {
            reached
        };
        // Progress is in no index: it changes too often. What runs is read by its key.
        let running: Vec<JobId> = jobs
            .iter()
            .filter(|job| job.status == Status::Running)
            .map(|job| job.id)
            .collect();
        let fresh = self.jobs(&running, false).await?;
        for job in &mut jobs {
            if let Some(fresh) = fresh.get(&job.id) {
                *job = summary(fresh);
            }
        }
        jobs.retain(|job| filter.has_status(job.status));
        Ok(Page {
            jobs,
            next: position.and_then(|id| JobId::try_from(id).ok()),
        })
    }

    /// Reads jobs by their keys, in batches, without those that cannot be read; `consistent` doubles
    /// the price.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked, or goes on to leave keys unprocessed.
    pub async fn jobs(
        &self,
        ids: &[JobId],
        consistent: bool,
    ) -> Result<HashMap<JobId, Job>, AwsError> {
        let mut jobs = HashMap::new();
        for batch in ids.chunks(BATCH) {
            let mut keys = KeysAndAttributes::builder().consistent_read(consistent);
            for id in batch {
                let key = keys::job(*id);
                keys = keys.keys(HashMap::from([
                    ("pk".to_owned(), key.pk()),
                    ("sk".to_owned(), key.sk()),
                ]));
            }
            let keys = keys
                .build()
                .map_err(|error| AwsError::data(DYNAMODB, error))?;
            let call = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys);
            let output = call.send().await.map_err(|error| failed(&error))?;
            if output.unprocessed_keys.is_some_and(|keys| !keys.is_empty()) {
                return Err(AwsError::Unavailable {
                    service: DYNAMODB,
                    detail: "keys left unprocessed".to_owned(),
                });
            }
            for item in output
                .responses
                .into_iter()
                .flat_map(HashMap::into_values)
                .flatten()
            {
                // One that a newer version has written must not hide the others.
                match job_of(item) {
                    Ok(job) => drop(jobs.insert(job.id, job)),
                    Err(error) => tracing::error!(%error, "a job cannot be read"),
                }
            }
        }
        Ok(jobs)
    }
}

/// What has been examined of the streams, in the order of ids.
struct Walk {
    found: Vec<Summary>,
    examined: usize,
    wanted: usize,
    /// Every job with an id from here on has been seen.
    high: u64,
}

impl Walk {
    /// Merges what the streams have ahead, newest first, and keeps what matches: until enough is found,
    /// or a stream that goes on has nothing left, which may have newer entries than the others.
    fn examine(&mut self, streams: &mut [Stream], filter: &Filter) {
        while !self.is_done() && !streams.iter().any(Stream::is_dry) {
            let newest = streams
                .iter_mut()
                .max_by_key(|stream| stream.ahead.front().map(|entry| entry.id));
            let Some(entry) = newest.and_then(|stream| stream.ahead.pop_front()) else {
                return;
            };
            self.examined += 1;
            // A job that changed its phase between two reads is in both streams.
            let again = entry.id.get() >= self.high;
            self.high = entry.id.get();
            if !again && filter.fits(&entry) {
                self.found.push(entry.into_summary());
            }
        }
    }

    fn missing(&self) -> usize {
        self.wanted.saturating_sub(self.found.len()).max(1)
    }

    fn is_done(&self) -> bool {
        self.found.len() >= self.wanted || self.examined >= MAX_EXAMINED
    }
}

impl Filter {
    fn fits(&self, entry: &Entry) -> bool {
        (self.job_types.is_empty()
            || entry
                .job_type
                .is_some_and(|job_type| self.job_types.contains(&job_type)))
            && self
                .release_id
                .is_none_or(|release| entry.release_id == Some(release))
            && self.created_by.is_none_or(|user| entry.created_by == user)
            && self.has_status(entry.status)
    }

    fn has_status(&self, status: Status) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status)
    }
}

impl Stream {
    /// Whether it has to be read on to go on.
    fn is_dry(&self) -> bool {
        self.ahead.is_empty() && self.unread.is_some()
    }

    fn has_ended(&self) -> bool {
        self.ahead.is_empty() && self.unread.is_none()
    }

    fn restart(&mut self, low: u64, high: u64) {
        self.ahead.clear();
        self.unread = Some((low, high));
    }
}

/// The streams that have the jobs with ids from `low` to `high`.
fn streams_of(scope: Scope, filter: &Filter, low: u64, high: u64) -> Vec<Stream> {
    let stream = |index, keys| Stream {
        index,
        keys,
        ahead: VecDeque::new(),
        unread: Some((low, high)),
        passing: false,
    };
    let owned = |user: UserId| ("created_by", n(user.get()));
    match scope {
        Scope::Owner(user) if filter.statuses.is_empty() => {
            vec![stream(keys::BY_OWNER, vec![owned(user)])]
        }
        Scope::Owner(user) => {
            let phases: BTreeMap<&str, bool> = filter
                .statuses
                .iter()
                .map(|status| (phase(*status), !status.is_final()))
                .collect();
            let of = |(phase, passing)| Stream {
                passing,
                ..stream(keys::BY_OWNER_PHASE, vec![owned(user), ("phase", s(phase))])
            };
            phases.into_iter().map(of).collect()
        }
        Scope::Release(release) => vec![stream(
            keys::BY_RELEASE,
            vec![("release_id", n(release.get()))],
        )],
        Scope::All => {
            let bucket = n(keys::bucket(high));
            let of = |shard| {
                stream(
                    keys::RECENT,
                    vec![("bucket", bucket.clone()), ("shard", n(shard))],
                )
            };
            (0..keys::SHARDS).map(of).collect()
        }
    }
}

impl Entry {
    fn into_summary(self) -> Summary {
        let (status, message) = (self.status, self.error_message.unwrap_or_default());
        Summary {
            id: self.id,
            release_id: self.release_id,
            status,
            job_type: self.job_type,
            progress: if status == Status::Completed { 100 } else { 0 },
            created_at: self.id.created_at(),
            created_by: self.created_by,
            started_at: self.started_at.map(Time::from_millis),
            finished_at: self.finished_at.map(Time::from_millis),
            error: self.error_code.map(|code| Failure { code, message }),
        }
    }
}

fn summary(job: &Job) -> Summary {
    Summary {
        id: job.id,
        release_id: job.release_id,
        status: job.status,
        job_type: job.job_type,
        progress: job.progress,
        created_at: job.created_at(),
        created_by: job.created_by,
        started_at: job.started_at,
        finished_at: job.finished_at,
        error: job.error.clone(),
    }
}
