//! A bucket in memory, and jobs that are processed over it as the function does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    operation::{
        complete_multipart_upload::CompleteMultipartUploadOutput, copy_object::CopyObjectOutput,
        create_multipart_upload::CreateMultipartUploadOutput, delete_object::DeleteObjectOutput,
        get_object::GetObjectOutput, list_objects_v2::ListObjectsV2Output, put_object::PutObjectOutput,
        upload_part_copy::UploadPartCopyOutput,
    },
    primitives::{ByteStream, SdkBody},
    types::{CopyPartResult, Object},
};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};
use process_jobs::jobs::Worker;
use serde_json::{Value, json};
use shared::{
    files::Files,
    job::{Job, JobId, JobType, NewJob, ReleaseId, UserId},
    release::{Release, output_prefix},
    service::{JobService, Processed},
    store::{NewRelease, Store},
    testing::{ManualClock, START, store},
    time::Time,
};

const RETENTION: Duration = Duration::from_hours(24);

/// What is in the bucket: bytes, or only a size where the test needs no more.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Bytes(Vec<u8>),
    Size(i64),
}

/// The bucket, and what was asked of it.
#[derive(Clone, Default)]
pub struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Content>>>,
    parts: Arc<Mutex<Vec<String>>>,
}

fn source(encoded: &str) -> String {
    encoded.strip_prefix("files/").unwrap().replace("%20", " ").replace("%C3%A9", "é")
}

fn status<O, E>(code: u16) -> MockResponse<O, E> {
    MockResponse::Http(HttpResponse::new(code.try_into().unwrap(), SdkBody::empty()))
}

impl Bucket {
    pub fn put(&self, key: &str, content: Content) {
        self.objects.lock().unwrap().insert(key.to_owned(), content);
    }

    pub fn get(&self, key: &str) -> Option<Content> {
        self.objects.lock().unwrap().get(key).cloned()
    }

    pub fn text(&self, key: &str) -> String {
        match self.get(key) {
            Some(Content::Bytes(bytes)) => String::from_utf8(bytes).unwrap(),
            other => panic!("{key}: {other:?}"),
        }
    }

    pub fn names(&self, prefix: &str) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        objects.keys().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect()
    }

    /// The ranges of the parts that were copied.
    pub fn copied_parts(&self) -> Vec<String> {
        self.parts.lock().unwrap().clone()
    }

    fn client(&self) -> Client {
        let bucket = self.clone();
        let list = mock!(Client::list_objects_v2).then_compute_output(move |input| {
            let objects = bucket.objects.lock().unwrap();
            let listed = objects.iter().filter(|(key, _)| key.starts_with(input.prefix().unwrap()));
            let object = |(key, content): (&String, &Content)| {
                let size = match content {
                    Content::Bytes(bytes) => i64::try_from(bytes.len()).unwrap(),
                    Content::Size(size) => *size,
                };
                Object::builder().key(key).size(size).e_tag("\"1\"").build()
            };
            ListObjectsV2Output::builder().set_contents(Some(listed.map(object).collect())).build()
        });
        let bucket = self.clone();
        let get = mock!(Client::get_object).then_compute_response(move |input| {
            let Some(Content::Bytes(bytes)) = bucket.get(input.key().unwrap()) else { return status(412) };
            let (from, to) = input.range().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
            let range = from.parse().unwrap()..=to.parse().unwrap();
            let body = ByteStream::from(bytes[range].to_vec());
            MockResponse::Output(GetObjectOutput::builder().body(body).build())
        });
        let bucket = self.clone();
        let put = mock!(Client::put_object).then_compute_output(move |input| {
            bucket.put(input.key().unwrap(), Content::Bytes(input.body().bytes().unwrap().to_vec()));
            PutObjectOutput::builder().build()
        });
        let bucket = self.clone();
        let copy = mock!(Client::copy_object).then_compute_response(move |input| {
            let Some(content) = bucket.get(&source(input.copy_source().unwrap())) else { return status(412) };
            bucket.put(input.key().unwrap(), content);
            MockResponse::Output(CopyObjectOutput::builder().build())
        });
        let begin = mock!(Client::create_multipart_upload)
            .then_output(|| CreateMultipartUploadOutput::builder().upload_id("u").build());
        let bucket = self.clone();
        let part = mock!(Client::upload_part_copy).then_compute_output(move |input| {
            bucket.parts.lock().unwrap().push(input.copy_source_range().unwrap().to_owned());
            let result = CopyPartResult::builder().e_tag("\"p\"").build();
            UploadPartCopyOutput::builder().copy_part_result(result).build()
        });
        let bucket = self.clone();
        let complete = mock!(Client::complete_multipart_upload).then_compute_output(move |input| {
            let parts = input.multipart_upload().unwrap().parts().len();
            bucket.put(input.key().unwrap(), Content::Size(i64::try_from(parts).unwrap()));
            CompleteMultipartUploadOutput::builder().build()
        });
        let bucket = self.clone();
        let delete = mock!(Client::delete_object).then_compute_output(move |input| {
            bucket.objects.lock().unwrap().remove(input.key().unwrap());
            DeleteObjectOutput::builder().build()
        });
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&list, &get, &put, &copy, &begin, &part, &complete, &delete])
    }
}

/// A release, its files, and the processor.
pub struct World {
    pub bucket: Bucket,
    pub store: Store,
    pub release: ReleaseId,
    service: JobService,
    worker: Arc<Worker>,
    next_job: u64,
}

impl World {
    pub async fn new(metadata: Value) -> Self {
        let (bucket, store, clock) = (Bucket::default(), store().await, ManualClock::default());
        let release = ReleaseId::try_from(42).unwrap();
        let new = NewRelease {
            user_id: UserId::try_from(7).unwrap(),
            release_type: "ebook".to_owned(),
            name: None,
            group: Some("GRP".to_owned()),
            metadata: metadata.as_object().unwrap().clone(),
        };
        store.create_release(release, &new, START).await.unwrap();
        let worker = Arc::new(Worker::new(store.clone(), Files::new(bucket.client(), "files")));
        let service = JobService::new(store.clone(), clock.clock());
        Self { bucket, store, release, service, worker, next_job: 100 }
    }

    pub fn source(&self, path: &str, bytes: &[u8]) {
        self.bucket.put(&format!("releases/42/source/{path}"), Content::Bytes(bytes.to_vec()));
    }

    /// Processes a new job to its end.
    pub async fn run(&mut self, job_type: JobType, config: Value) -> (Job, Value) {
        let id = JobId::try_from(self.next_job).unwrap();
        self.next_job += 1;
        let job = NewJob {
            created_by: UserId::try_from(7).unwrap(),
            release_id: Some(self.release),
            job_type: Some(job_type),
            config: config.as_object().unwrap().clone(),
            draft: false,
            retry_of: None,
        };
        self.store.create_job(id, &job, None, START, RETENTION).await.unwrap();
        let run = self.service.process_job(id, &self.worker, Time::from_millis(i64::MAX));
        let processed = Box::pin(run).await.unwrap();
        let Processed::Finished(job) = processed else { panic!("{processed:?}") };
        let (_, documents) = self.store.job_with_documents(id).await.unwrap().unwrap();
        (job, documents.result.unwrap_or(json!(null)))
    }

    /// The code that a new job fails with.
    pub async fn code(&mut self, job_type: JobType, config: Value) -> String {
        let (job, result) = self.run(job_type, config).await;
        job.error.unwrap_or_else(|| panic!("{result}")).code
    }

    pub async fn release(&self) -> Release {
        self.store.release(self.release).await.unwrap().unwrap()
    }

    /// The folder of the current package.
    pub async fn package(&self) -> String {
        let package = self.release().await.package.unwrap();
        output_prefix(self.release, package.job_id, package.fence)
    }
}
