//! Reads jobs: alone, with their documents, with the end of their log, or in batches.

use std::collections::HashMap;

use aws::AwsError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use jobs::{Job, JobId, LogEntry, Status};

use crate::{
    DYNAMODB, Store,
    documents::{Documents, document_body},
    item::{Item, JobItem, from_item, job_from_item, sort_key},
    keys,
    logs::{self, Chunk},
    retry, sdk_error,
    update::s,
};

/// The largest number of log chunks in a job's details: about 64 KiB from the end of the log.
const DETAILS_CHUNKS: i32 = 16;
/// The largest number of keys in a `BatchGetItem` (Amazon DynamoDB API Reference,
/// "`BatchGetItem`").
const MAX_BATCH_KEYS: usize = 100;

/// A job, with those of its documents that are small enough to be in its item.
#[derive(Debug)]
pub struct JobHead {
    /// The job.
    pub job: Job,
    config: Option<String>,
    result: Option<String>,
}

impl JobHead {
    fn has_large_documents(&self) -> bool {
        let has_result = self.job.status() == Status::Completed;
        self.config.is_none() || (has_result && self.result.is_none())
    }
}

/// A job with its documents and the end of its log.
#[derive(Debug)]
pub struct Details {
    /// The job.
    pub job: Job,
    /// Its configuration and result.
    pub documents: Documents,
    /// The last entries of its log, oldest first.
    pub log: Vec<LogEntry>,
    /// True if the log has earlier entries.
    pub log_truncated: bool,
    /// True if the result was found, even if it is damaged.
    has_result: bool,
}

impl Details {
    /// Returns whether all that the item of the job refers to was found.
    fn is_complete(&self) -> bool {
        let last_seq = self.log.last().map_or(0, |entry| entry.seq);
        let has_result = self.job.status() == Status::Completed;
        last_seq >= self.job.log_seq && (self.has_result || !has_result)
    }
}

impl Store {
    /// Reads the job `id`. Unless `consistent`, the read is eventually consistent, at half the
    /// price; if it finds nothing, a consistent read follows, since the job may be new.
    pub async fn job(&self, id: JobId, consistent: bool) -> Result<Option<Job>, AwsError> {
        let item = self.job_item(id, consistent).await?;
        item.map(job_from_item).transpose()
    }

    async fn job_item(&self, id: JobId, consistent: bool) -> Result<Option<Item>, AwsError> {
        let item = self.get_item(&keys::job(id), consistent).await?;
        if item.is_none() && !consistent {
            return self.get_item(&keys::job(id), true).await;
        }
        Ok(item)
    }

    /// Reads the job `id` with its documents, consistently.
    ///
    /// # Errors
    /// [`AwsError`] also if a document is damaged: nothing may be done with a part of the job.
    pub async fn job_with_documents(
        &self,
        id: JobId,
    ) -> Result<Option<(Job, Documents)>, AwsError> {
        let Some(item) = self.get_item(&keys::job(id), true).await? else {
            return Ok(None);
        };
        let item: JobItem = from_item(item)?;
        let config = match &item.config {
            Some(config) => Some(config.clone()),
            None => self.document(id, keys::CONFIG).await?,
        };
        // A job without a configuration is being withdrawn.
        let Some(config) = config else {
            return Ok(None);
        };
        let result = match &item.result {
            None if item.status == Status::Completed => self.document(id, keys::RESULT).await?,
            inline => inline.clone(),
        };
        let documents = Documents::read(id, &config, result.as_deref())?;
        Ok(Some((item.into_job()?, documents)))
    }

    async fn document(&self, id: JobId, sk: &str) -> Result<Option<String>, AwsError> {
        let item = self.get_item(&keys::job_part(id, sk), true).await?;
        Ok(item.and_then(|mut item| document_body(&mut item)))
    }

    /// Reads the item of the job `id`, the first of the two reads of its details. As in
    /// [`Store::job`], a consistent read follows one that finds nothing.
    pub async fn head(&self, id: JobId) -> Result<Option<JobHead>, AwsError> {
        let Some(item) = self.job_item(id, false).await? else {
            return Ok(None);
        };
        let mut item: JobItem = from_item(item)?;
        let (config, result) = (item.config.take(), item.result.take());
        Ok(Some(JobHead {
            job: item.into_job()?,
            config,
            result,
        }))
    }

    /// Reads the documents of a job that are not in its item, and the end of its log. One query
    /// does, since they share a partition key; none, if there are none. A damaged document is
    /// logged and left out. Returns `None` if the job is being withdrawn.
    pub async fn details(&self, head: &JobHead) -> Result<Option<Details>, AwsError> {
        match self.collection(head, false).await? {
            Some(details) if details.is_complete() => Ok(Some(details)),
            // The query was served by a replica that is behind that of the first read.
            _ => self.collection(head, true).await,
        }
    }

    async fn collection(
        &self,
        head: &JobHead,
        consistent: bool,
    ) -> Result<Option<Details>, AwsError> {
        let JobHead { job, .. } = head;
        let (mut config, mut result) = (head.config.clone(), head.result.clone());
        let mut chunks = Vec::new();
        for mut item in self.parts(head, consistent).await? {
            match sort_key(&item) {
                keys::META => {}
                // A draft whose configuration has become small keeps the item of its large one.
                keys::CONFIG => config = config.or_else(|| document_body(&mut item)),
                keys::RESULT => result = document_body(&mut item),
                _ => chunks.push(from_item::<Chunk>(item)?),
            }
        }
        // A job without a configuration is being withdrawn.
        let Some(config) = config else {
            return Ok(None);
        };
        chunks.reverse();
        let log = logs::tail(job, &chunks);
        let log_truncated = log.first().map_or(job.log_seq > 0, |entry| entry.seq > 1);
        Ok(Some(Details {
            job: job.clone(),
            documents: Documents::readable(job.id, &config, result.as_deref()),
            has_result: result.is_some(),
            log,
            log_truncated,
        }))
    }

    /// Reads the items of a job other than the first, newest log chunks first.
    async fn parts(&self, head: &JobHead, consistent: bool) -> Result<Vec<Item>, AwsError> {
        let JobHead { job, .. } = head;
        let query = self.client.query().table_name(&self.table);
        let query = query.expression_attribute_values(":pk", keys::job(job.id).pk());
        let query = if head.has_large_documents() {
            // The item of the job is between its two documents and the log.
            query
                .key_condition_expression("pk = :pk")
                .limit(3 + DETAILS_CHUNKS)
        } else if job.log_seq > u64::from(job.closing().is_some()) {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :log)")
                .expression_attribute_values(":log", s(keys::LOG))
                .limit(DETAILS_CHUNKS)
        } else {
            return Ok(Vec::new());
        };
        let query = query.scan_index_forward(false).consistent_read(consistent);
        let output = query.send().await.map_err(|error| sdk_error(&error))?;
        Ok(output.items.unwrap_or_default())
    }

    /// Reads jobs by their keys, in batches. Missing and unreadable jobs are left out. A
    /// `consistent` read costs twice as much.
    ///
    /// # Errors
    /// [`AwsError`] also if DynamoDB keeps leaving keys unprocessed.
    pub async fn jobs(
        &self,
        ids: &[JobId],
        consistent: bool,
    ) -> Result<HashMap<JobId, Job>, AwsError> {
        match self.read_batches(ids, consistent).await? {
            (jobs, 0) => Ok(jobs),
            (_, _) => Err(AwsError::unavailable(DYNAMODB, "keys left unprocessed")),
        }
    }

    /// Reads jobs like [`Store::jobs`], without those that DynamoDB leaves unprocessed.
    pub async fn available_jobs(&self, ids: &[JobId]) -> Result<HashMap<JobId, Job>, AwsError> {
        let (jobs, unprocessed) = self.read_batches(ids, false).await?;
        if unprocessed > 0 {
            tracing::warn!(unprocessed, "DynamoDB left keys unprocessed");
        }
        Ok(jobs)
    }

    /// Reads jobs, and counts the keys that DynamoDB left unprocessed.
    async fn read_batches(
        &self,
        ids: &[JobId],
        consistent: bool,
    ) -> Result<(HashMap<JobId, Job>, usize), AwsError> {
        let (mut jobs, mut unprocessed) = (HashMap::new(), 0);
        for batch in ids.chunks(MAX_BATCH_KEYS) {
            let mut keys = KeysAndAttributes::builder().consistent_read(consistent);
            for id in batch {
                let key = keys::job(*id);
                let key = [("pk".to_owned(), key.pk()), ("sk".to_owned(), key.sk())];
                keys = keys.keys(HashMap::from(key));
            }
            let keys = keys
                .build()
                .map_err(|error| AwsError::malformed(DYNAMODB, error))?;
            unprocessed += self.read_batch(keys, &mut jobs).await?;
        }
        Ok((jobs, unprocessed))
    }

    /// Reads one batch into `jobs`, and asks again for keys that DynamoDB leaves unprocessed. Returns
    /// how many are left in the end.
    async fn read_batch(
        &self,
        keys: KeysAndAttributes,
        jobs: &mut HashMap<JobId, Job>,
    ) -> Result<usize, AwsError> {
        let (mut rest, mut delays) = (keys, retry::delays());
        loop {
            let call = self.client.batch_get_item();
            let call = call.request_items(&self.table, rest);
            let output = call.send().await.map_err(|error| sdk_error(&error))?;
            let tables = output.responses.into_iter().flat_map(HashMap::into_values);
            for item in tables.flatten() {
                // An item written by a newer version must not hide the others.
                match job_from_item(item) {
                    Ok(job) => drop(jobs.insert(job.id, job)),
                    Err(error) => tracing::error!(%error, "failed to read a job's item"),
                }
            }
            let unprocessed = output.unprocessed_keys;
            match unprocessed.and_then(|mut tables| tables.remove(&self.table)) {
                None => return Ok(0),
                Some(keys) => rest = keys,
            }
            match delays.next() {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Ok(rest.keys().len()),
            }
        }
    }
}
