//! The log of a job, in chunks of about 4 KB. A visible chunk is never rewritten.

use aws::AwsError;
use jobs::{Job, JobId, Level, LogEntry, Run, Status, Time};
use serde::{Deserialize, Serialize};

use crate::{
    Store,
    item::{from_item, parts_expire_at, to_item},
    keys, sdk_error,
    update::{Update, n, s},
};

/// The largest number of chunks in a page, about 128 KB.
const PAGE_CHUNKS: i32 = 32;

/// Consecutive log entries as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chunk {
    pk: String,
    sk: String,
    /// The `seq` of the first entry.
    pub(super) first: u64,
    /// The `seq` of the last entry, which is also in the sort key.
    last: u64,
    /// The fence of the run that wrote it: see [`is_visible`].
    fence: u32,
    /// The time of the first entry.
    pub(super) at: i64,
    /// JSON: `[[milliseconds since the first entry, level, message, step if it changed], ...]`.
    lines: String,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Line(i64, Level, String, #[serde(default)] Option<String>);

impl Chunk {
    /// Creates a chunk of consecutive `entries`; `None` if there are none.
    pub(super) fn new(
        id: JobId,
        fence: u32,
        entries: &[LogEntry],
        expires_at: Time,
    ) -> Option<Self> {
        let (first, last) = (entries.first()?, entries.last()?);
        let key = keys::log(id, last.seq);
        let at = first.timestamp.millis();
        let mut step = None;
        let lines: Vec<Line> = entries
            .iter()
            .map(|entry| {
                let changed = entry.step != step;
                step.clone_from(&entry.step);
                let step = if changed { entry.step.clone() } else { None };
                Line(
                    entry.timestamp.millis() - at,
                    entry.level,
                    entry.message.clone(),
                    step,
                )
            })
            .collect();
        Some(Self {
            pk: key.pk,
            sk: key.sk,
            first: first.seq,
            last: last.seq,
            fence,
            at,
            lines: serde_json::to_string(&lines).ok()?,
            expires_at: parts_expire_at(expires_at).seconds(),
        })
    }

    fn entries(&self) -> impl Iterator<Item = LogEntry> {
        let lines: Vec<Line> = serde_json::from_str(&self.lines).unwrap_or_default();
        let mut step = None;
        (self.first..)
            .zip(lines)
            .map(move |(seq, Line(later, level, message, changed))| {
                step = changed.or(step.take());
                let timestamp = Time::from_millis(self.at + later);
                LogEntry {
                    seq,
                    timestamp,
                    level,
                    message,
                    step: step.clone(),
                }
            })
    }
}

/// Returns whether a chunk is part of the log, because its run raised `log_seq` to its last entry.
/// If the run died or was fenced off before that, the chunk extends past the entries of its run.
fn is_visible(job: &Job, chunk: &Chunk) -> bool {
    let log_seq = job.log_seq - u64::from(job.closing().is_some());
    let first_seq = |run: Option<&Run>| run.map(|run| run.first_log_seq);
    let fence = chunk.fence as usize;
    let first = match fence.checked_sub(1) {
        None => Some(1),
        Some(own) => first_seq(job.runs.get(own)),
    };
    let last = first_seq(job.runs.get(fence)).map_or(log_seq, |next| next - 1);
    first.is_some_and(|first| chunk.first >= first && chunk.last <= last)
}

/// Returns the entries of `chunks` (ascending), and the closing line, that follow `after` without a
/// gap. An eventually consistent read may miss a chunk; entries after a gap wait for a later read.
fn following(job: &Job, chunks: &[Chunk], after: u64) -> Vec<LogEntry> {
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut next = after + 1;
    for chunk in chunks.iter().filter(|chunk| is_visible(job, chunk)) {
        if chunk.first > next {
            return entries;
        }
        entries.extend(chunk.entries().filter(|entry| entry.seq >= next));
        next = next.max(chunk.last + 1);
    }
    let closing = job.closing().filter(|closing| closing.seq == next);
    entries.extend(closing.cloned());
    entries
}

/// Returns the end of the log, as far as `chunks` contain it, oldest first.
pub(super) fn tail(job: &Job, chunks: &[Chunk]) -> Vec<LogEntry> {
    let oldest = chunks
        .iter()
        .find(|chunk| is_visible(job, chunk))
        .map_or(job.log_seq, |chunk| chunk.first);
    following(job, chunks, oldest.saturating_sub(1))
}

/// A query for a page of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogQuery {
    /// Returns the entries after this `seq`.
    pub after: u64,
    /// Returns the entries of this level and above.
    pub level: Level,
    /// Returns the entries of this time and later.
    pub since: Option<Time>,
    /// Returns at most this many entries.
    pub limit: usize,
}

/// A page of a log.
#[derive(Debug)]
pub struct LogPage {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
    /// The last `seq` that this page covers, after which the next page begins.
    pub next: u64,
    /// True if the job is final and its log has been read to the end.
    pub finished: bool,
}

impl Store {
    /// Reads a page of the log of `job`, which the caller has just read. It takes at most one
    /// query.
    pub async fn log_page(&self, job: &Job, query: &LogQuery) -> Result<LogPage, AwsError> {
        let chunks = if query.after < job.log_seq {
            self.chunks(job.id, query.after).await?
        } else {
            Vec::new()
        };
        let mut page = LogPage {
            entries: Vec::new(),
            next: query.after,
            finished: false,
        };
        for entry in following(job, &chunks, query.after) {
            if page.entries.len() == query.limit {
                break;
            }
            page.next = entry.seq;
            if entry.level >= query.level
                && query.since.is_none_or(|since| entry.timestamp >= since)
            {
                page.entries.push(entry);
            }
        }
        page.finished = job.status().is_final() && page.next >= job.log_seq;
        Ok(page)
    }

    async fn chunks(&self, id: JobId, after: u64) -> Result<Vec<Chunk>, AwsError> {
        let query = self.client.query().table_name(&self.table);
        let output = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", keys::job(id).pk())
            .expression_attribute_values(":from", s(keys::log_sk(after + 1)))
            .expression_attribute_values(":to", s("LOG#~"))
            .limit(PAGE_CHUNKS)
            .send()
            .await
            .map_err(|error| sdk_error(&error))?;
        output
            .items
            .unwrap_or_default()
            .into_iter()
            .map(from_item)
            .collect()
    }

    /// Appends an entry to the log of the job `seen`, which no run holds. Returns `false` if the
    /// job has changed since: it is running or final, or has a new entry.
    pub async fn append_log(
        &self,
        seen: &Job,
        level: Level,
        message: &str,
        now: Time,
    ) -> Result<bool, AwsError> {
        let entry = LogEntry {
            seq: seen.log_seq + 1,
            timestamp: now,
            level,
            message: text::one_line(message),
            step: None,
        };
        let Some(chunk) = Chunk::new(seen.id, seen.fence, &[entry], seen.expires_at) else {
            return Ok(false);
        };
        let update = Update::new(keys::job(seen.id))
            .set("log_seq", n(seen.log_seq + 1))
            .set("updated_at", n(now.millis()))
            .only_fence(seen.fence)
            .only_if("#log_seq = :seen_log_seq AND #status IN (:draft, :pending)")
            .value(":seen_log_seq", n(seen.log_seq))
            .value(":draft", s(Status::Draft.as_str()))
            .value(":pending", s(Status::Pending.as_str()));
        let parts = vec![
            update.into_part(&self.table)?,
            self.put_part(to_item(chunk)?, None)?,
        ];
        Ok(self.transact(parts).await?.is_ok())
    }
}
