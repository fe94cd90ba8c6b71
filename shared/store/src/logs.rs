//! The log: chunks of some 4 KB, written once and never rewritten.

use aws::AwsError;
use jobs::{Job, JobId, Level, LogEntry, Run, Time};
use serde::{Deserialize, Serialize};

use super::{
    Store, failed,
    item::{parts_expire_at, read},
    keys,
    update::{n, s},
};

/// How many chunks one page reads at the most: some 128 KB.
const PAGE_CHUNKS: i32 = 32;

/// Consecutive log entries, as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chunk {
    pk: String,
    sk: String,
    /// The `seq` of the first entry; the last one's is in the sort key.
    pub(super) first: u64,
    last: u64,
    /// The claim under which it was written: see [`is_visible`].
    fence: u32,
    /// When the first entry was written; the others say how much later.
    pub(super) at: i64,
    /// JSON: `[[milliseconds after the first, level, message, step where it changed], ...]`.
    lines: String,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Line(i64, Level, String, #[serde(default)] Option<String>);

impl Chunk {
    /// The chunk of `entries`, which follow each other; `None` where there are none.
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

/// Whether a chunk is part of the log: its run had the right to all of its entries, and raised
/// `log_seq` past them. One that a run put and died, or was fenced off before it could show it,
/// reaches beyond what that run was left with.
fn is_visible(job: &Job, chunk: &Chunk) -> bool {
    let log_seq = job.log_seq - u64::from(job.closing.is_some());
    let starts = |run: Option<&Run>| run.map(|run| run.log_from);
    let fence = chunk.fence as usize;
    let from = if fence == 0 {
        Some(1)
    } else {
        starts(job.runs.get(fence - 1))
    };
    let until = starts(job.runs.get(fence)).map_or(log_seq, |next| next - 1);
    from.is_some_and(|from| chunk.first >= from && chunk.last <= until)
}

/// The entries of `chunks` (ascending) and the closing line that follow `after` without a gap.
/// An eventually consistent read may miss a chunk: what is behind a gap waits for a later read.
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
    entries.extend(
        job.closing
            .iter()
            .filter(|closing| closing.seq == next)
            .cloned(),
    );
    entries
}

/// The end of the log that `chunks` hold, oldest first.
pub(super) fn tail(job: &Job, chunks: &[Chunk]) -> Vec<LogEntry> {
    let oldest = chunks
        .iter()
        .find(|chunk| is_visible(job, chunk))
        .map_or(job.log_seq, |chunk| chunk.first);
    following(job, chunks, oldest.saturating_sub(1))
}

/// What part of a log is asked for.
#[derive(Clone, Copy, Debug)]
pub struct LogQuery {
    /// Entries behind this `seq`.
    pub after: u64,
    /// Entries of this level and above.
    pub level: Level,
    /// Entries of this time and later.
    pub since: Option<Time>,
    /// How many at the most.
    pub limit: usize,
}

/// A part of a log.
#[derive(Debug)]
pub struct LogPage {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
    /// The `seq` up to which this page has looked, to go on from.
    pub next: u64,
    /// Whether the job is final and nothing is left to read.
    pub finished: bool,
}

impl Store {
    /// A page of the log of `job`, which has just been read: one query, whatever the log's length.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
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
        page.finished = job.status.is_final() && page.next >= job.log_seq;
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
            .map_err(|error| failed(&error))?;
        output
            .items
            .unwrap_or_default()
            .into_iter()
            .map(read)
            .collect()
    }

    /// Adds one entry to the log of a job that no run holds, as it was `seen`. `false` says that
    /// the job has moved on: it runs, is final, or has got another entry.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
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
        let update = super::update::Update::of(keys::job(seen.id))
            .set("log_seq", n(seen.log_seq + 1))
            .set("updated_at", n(now.millis()))
            .only_fence(seen.fence)
            .only_if("#log_seq = :seen_log_seq AND #status IN (:draft, :pending)")
            .value(":seen_log_seq", n(seen.log_seq))
            .value(":draft", s("draft"))
            .value(":pending", s("pending"));
        let update = update
            .in_transaction(&self.table)
            .map_err(|error| AwsError::data(super::DYNAMODB, error))?;
        let chunk = self.put_part(super::item::write(chunk)?, None)?;
        Ok(self.transact(vec![update, chunk]).await?.is_ok())
    }
}
