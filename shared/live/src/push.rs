//! Pushes changes of jobs to those who watch them.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use api::{LineView, StatusView};
use aws::AwsError;
use futures::{StreamExt, future::try_join_all, stream};
use jobs::{Clock, Job, JobEvent, JobId, Level, Summary, UserId};
use store::{JobChange, LogQuery, Store, Watched, Watcher};

use crate::{Connections, List, PostOutcome, ServerMessage, socket::MAX_WATCHERS};

/// The most bytes of log lines in a message. With the state it stays below the 32 KB of a frame
/// (Amazon API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API").
const MAX_LINES_BYTES: usize = 24 * 1024;
/// The most log lines in a message.
const MAX_LINES: usize = 500;
/// The most messages that are sent at the same time.
const CONCURRENT_POSTS: usize = 32;
/// The age of a watch below which a connection that seems closed may still be opening.
const OPENING_TIME: Duration = Duration::from_secs(10);

/// Pushes changes of jobs.
#[derive(Clone, Debug)]
pub struct Pusher {
    store: Store,
    connections: Connections,
    clock: Clock,
}

/// The number of messages that were pushed, and of those that were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushReport {
    /// Sent.
    pub sent: usize,
    /// Lost, because a connection was too slow or API Gateway failed.
    pub dropped: usize,
    /// Not sent, because the connection is closed or its session has ended.
    pub gone: usize,
}

/// The changes of one job in a batch. One message has them all.
struct JobUpdate {
    from: u64,
    last: JobChange,
}

impl Pusher {
    /// Creates it from what it uses.
    #[must_use]
    pub const fn new(store: Store, connections: Connections, clock: Clock) -> Self {
        Self {
            store,
            connections,
            clock,
        }
    }

    /// Pushes changes, in the order in which they were made, to those who watch the jobs.
    ///
    /// # Errors
    /// If DynamoDB is unavailable. Some changes may have been pushed.
    pub async fn push_updates(
        &self,
        changes: impl IntoIterator<Item = JobChange>,
    ) -> Result<PushReport, AwsError> {
        let mut updates: BTreeMap<JobId, JobUpdate> = BTreeMap::new();
        for change in changes.into_iter().filter(|change| !change.is_invisible) {
            let from = change.old_log_seq + 1;
            updates
                .entry(change.job.id)
                .and_modify(|update| update.last = change.clone())
                .or_insert(JobUpdate { from, last: change });
        }
        let pushes = updates.into_values().map(|update| self.push_update(update));
        let reports = try_join_all(pushes).await?;
        Ok(reports.into_iter().sum())
    }

    async fn push_update(&self, update: JobUpdate) -> Result<PushReport, AwsError> {
        let job = update.last.job;
        let watched = Watched::Job(job.id);
        let watchers = self.watchers(watched).await?;
        if watchers.is_empty() {
            if let Some(live) = update.last.live {
                self.store.unmark_watched(job.id, live).await?;
            }
            return Ok(PushReport::default());
        }
        let message = self.update_message(job, update.from).await?;
        self.send(watched, watchers, &message).await
    }

    async fn update_message(&self, job: Job, from: u64) -> Result<ServerMessage, AwsError> {
        Ok(ServerMessage::Update {
            job_id: job.id,
            from,
            to: job.log_seq,
            logs: self.lines(&job, from).await?,
            state: Box::new(StatusView::new(job, self.clock.now())),
        })
    }

    /// Reads the lines of a job's log that begin at `from`. Returns `None` if they are too many, or
    /// not all readable yet.
    async fn lines(&self, job: &Job, from: u64) -> Result<Option<Vec<LineView>>, AwsError> {
        if from > job.log_seq {
            return Ok(Some(Vec::new()));
        }
        let query = LogQuery {
            after: from.saturating_sub(1),
            level: Level::Debug,
            since: None,
            limit: MAX_LINES,
        };
        let page = match self.store.log_page(job, &query).await {
            // The pushes of other jobs must not wait for lines that cannot be read.
            Err(error) if !error.is_unavailable() => {
                tracing::error!(job_id = %job.id, %error, "failed to read the lines of a push");
                return Ok(None);
            }
            page => page?,
        };
        let bytes: usize = page.entries.iter().map(|entry| entry.message.len()).sum();
        let fits = page.next >= job.log_seq && bytes <= MAX_LINES_BYTES;
        let line = |entry| LineView::new(job, entry);
        Ok(fits.then(|| page.entries.into_iter().map(line).collect()))
    }

    /// Tells those who watch a list of jobs about transitions.
    ///
    /// # Errors
    /// If DynamoDB is unavailable.
    pub async fn push_transitions(
        &self,
        changes: &[(Job, JobEvent)],
    ) -> Result<PushReport, AwsError> {
        let mut lists: BTreeMap<Option<UserId>, Vec<Watcher>> = BTreeMap::new();
        lists.insert(None, self.watchers(Watched::AllJobs).await?);
        for (job, _) in changes {
            let owner = job.created_by;
            if let Entry::Vacant(list) = lists.entry(Some(owner)) {
                list.insert(self.watchers(Watched::JobsOf(owner)).await?);
            }
        }
        let mut report = PushReport::default();
        for (job, event) in changes {
            let owner = job.created_by;
            for (jobs, owner, watched) in [
                (List::Mine, Some(owner), Watched::JobsOf(owner)),
                (List::All, None, Watched::AllJobs),
            ] {
                let message = ServerMessage::Job {
                    jobs,
                    event: event.event_type,
                    job: Box::new(Summary::from(job)),
                };
                let watchers = lists.get(&owner).cloned().unwrap_or_default();
                report = report + self.send(watched, watchers, &message).await?;
            }
        }
        Ok(report)
    }

    async fn watchers(&self, watched: Watched) -> Result<Vec<Watcher>, AwsError> {
        let limit = i32::try_from(MAX_WATCHERS).unwrap_or(i32::MAX);
        self.store.watchers(watched, limit).await
    }

    /// Sends a message to each watcher. Closes the connections whose session has ended, and forgets
    /// the watches of those that are closed.
    async fn send(
        &self,
        watched: Watched,
        watchers: Vec<Watcher>,
        message: &ServerMessage,
    ) -> Result<PushReport, AwsError> {
        let bytes = serde_json::to_vec(message).unwrap_or_default();
        let now = self.clock.now();
        let posts = stream::iter(watchers).map(async |watcher| {
            if watcher.session.expires_at <= now {
                self.connections.close(&watcher.connection).await;
                return (watcher, PostOutcome::Gone);
            }
            let posted = self
                .connections
                .post_bytes(&watcher.connection, bytes.clone());
            let outcome = posted.await;
            (watcher, outcome)
        });
        let outcomes: Vec<_> = posts.buffer_unordered(CONCURRENT_POSTS).collect().await;
        let mut report = PushReport::default();
        for (watcher, outcome) in outcomes {
            match outcome {
                PostOutcome::Sent => report.sent += 1,
                PostOutcome::Dropped => report.dropped += 1,
                PostOutcome::Gone if now.since(watcher.since) < OPENING_TIME => report.dropped += 1,
                PostOutcome::Gone => {
                    report.gone += 1;
                    self.store.unwatch(&watcher.connection, watched).await?;
                }
            }
        }
        Ok(report)
    }
}

impl std::ops::Add for PushReport {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            dropped: self.dropped + other.dropped,
            gone: self.gone + other.gone,
        }
    }
}

impl std::iter::Sum for PushReport {
    fn sum<I: Iterator<Item = Self>>(reports: I) -> Self {
        reports.fold(Self::default(), std::ops::Add::add)
    }
}
