//! A bucket in this process, for tests of the work on files in S3.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_sdk_s3::{
    Client,
    config::{Builder, http::HttpResponse, retry::RetryConfig},
    error::ErrorMetadata,
    operation::{
        abort_multipart_upload::{AbortMultipartUploadError, AbortMultipartUploadOutput},
        complete_multipart_upload::CompleteMultipartUploadOutput,
        copy_object::{CopyObjectError, CopyObjectOutput},
        create_multipart_upload::CreateMultipartUploadOutput,
        delete_objects::DeleteObjectsOutput,
        get_object::{GetObjectError, GetObjectOutput},
        list_multipart_uploads::ListMultipartUploadsOutput,
        list_objects_v2::ListObjectsV2Output,
        put_object::{PutObjectError, PutObjectOutput},
        upload_part::UploadPartOutput,
        upload_part_copy::UploadPartCopyOutput,
    },
    primitives::{ByteStream, SdkBody},
    types::{CopyPartResult, MultipartUpload, Object, error::NoSuchUpload},
};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use jobs::testing::ManualClock;

use crate::{
    files::{Files, StoredFile},
    reporter::Reporter,
};

/// What the bucket holds, and how it misbehaves.
#[derive(Default)]
pub struct State {
    /// The files, by their keys.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// The multipart uploads that have neither been completed nor aborted: key, parts.
    pub uploads: BTreeMap<String, (String, BTreeMap<i32, Vec<u8>>)>,
    /// So many of the next reads break off in the middle.
    pub broken_reads: u32,
    /// The bucket answers that it is overloaded.
    pub down: bool,
    /// The operations that were asked for, in order.
    pub calls: Vec<&'static str>,
    /// What is done before so many more writes have come.
    pub before_write: Option<(u32, Box<dyn FnOnce() + Send>)>,
    /// A file that is replaced when anything has been read so many times.
    pub replace: Option<(u32, String)>,
    next_upload: u32,
}

/// A bucket in memory.
#[derive(Clone, Default)]
pub struct Bucket(Arc<Mutex<State>>);

impl Bucket {
    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Puts a file.
    pub fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.state().objects.insert(key.to_owned(), bytes.into());
    }

    /// A file as it would be listed.
    #[must_use]
    pub fn listed(&self, key: &str) -> StoredFile {
        let bytes = &self.state().objects[key];
        StoredFile {
            key: key.to_owned(),
            size: bytes.len() as u64,
            last_modified: None,
            e_tag: Some(e_tag(bytes)),
        }
    }

    /// The files below a prefix, by the rest of their keys.
    #[must_use]
    pub fn below(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let found = state
            .objects
            .iter()
            .filter_map(|(key, bytes)| Some((key.strip_prefix(prefix)?, bytes)));
        found
            .map(|(path, bytes)| (path.to_owned(), bytes.clone()))
            .collect()
    }

    /// The bucket as the work takes it.
    #[must_use]
    pub fn files(&self) -> Files {
        let rules = [
            self.reads(),
            self.lists(),
            self.writes(),
            self.copies(),
            self.multipart(),
        ]
        .concat();
        let rules: Vec<&Rule> = rules.iter().collect();
        // The mock cannot answer the same call twice, so what the SDK would repeat fails at once.
        let once = |config: Builder| config.retry_config(RetryConfig::disabled());
        Files::new(
            mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules[..], once),
            "bucket",
        )
    }

    /// Reads and writes that nobody stops.
    #[must_use]
    #[cfg(test)]
    pub(crate) fn objects(&self) -> crate::objects::ObjectStore {
        crate::objects::ObjectStore::new(&self.files(), reporter())
    }

    fn reads(&self) -> Vec<Rule> {
        let bucket = self.clone();
        vec![
            mock!(Client::get_object).then_compute_response(move |call| {
                let mut state = bucket.state();
                state.calls.push("get_object");
                let key = call.key().unwrap();
                if state.down {
                    return MockResponse::Error(GetObjectError::generic(slow_down()));
                }
                if let Some((left, key)) = state.replace.take() {
                    match left {
                        0 => drop(state.objects.insert(key, b"another".to_vec())),
                        _ => state.replace = Some((left - 1, key)),
                    }
                }
                let Some(bytes) = state.objects.get(key) else {
                    return MockResponse::Http(status(404));
                };
                if call
                    .if_match()
                    .is_some_and(|expected| expected != e_tag(bytes))
                {
                    return MockResponse::Http(status(412));
                }
                let (start, end) = range(call.range().unwrap());
                let mut body = bytes[start..end.min(bytes.len())].to_vec();
                if state.broken_reads > 0 {
                    state.broken_reads -= 1;
                    body.truncate(body.len() / 2);
                }
                MockResponse::Output(
                    GetObjectOutput::builder()
                        .body(ByteStream::from(body))
                        .build(),
                )
            }),
        ]
    }

    /// A write has come: does what was to be done before it.
    fn writing(&self) {
        let due = {
            let mut state = self.state();
            match state.before_write.take() {
                Some((0, action)) => Some(action),
                Some((left, action)) => {
                    state.before_write = Some((left - 1, action));
                    None
                }
                None => None,
            }
        };
        if let Some(action) = due {
            action();
        }
    }

    fn lists(&self) -> Vec<Rule> {
        let bucket = self.clone();
        let uploads = self.clone();
        let objects = mock!(Client::list_objects_v2).then_compute_output(move |call| {
            let state = bucket.state();
            let mut output = ListObjectsV2Output::builder();
            for (key, bytes) in state
                .objects
                .iter()
                .filter(|(key, _)| key.starts_with(call.prefix().unwrap()))
            {
                let size = i64::try_from(bytes.len()).unwrap();
                output = output.contents(
                    Object::builder()
                        .key(key)
                        .size(size)
                        .e_tag(e_tag(bytes))
                        .build(),
                );
            }
            output.build()
        });
        let uploads = mock!(Client::list_multipart_uploads).then_compute_output(move |call| {
            let mut output = ListMultipartUploadsOutput::builder();
            let state = uploads.state();
            for (id, (key, _)) in state
                .uploads
                .iter()
                .filter(|(_, (key, _))| key.starts_with(call.prefix().unwrap()))
            {
                output = output.uploads(MultipartUpload::builder().key(key).upload_id(id).build());
            }
            output.build()
        });
        vec![objects, uploads]
    }

    fn writes(&self) -> Vec<Rule> {
        let (bucket, other) = (self.clone(), self.clone());
        let put = mock!(Client::put_object).then_compute_response(move |call| {
            bucket.writing();
            let mut state = bucket.state();
            state.calls.push("put_object");
            if state.down {
                return MockResponse::Error(PutObjectError::generic(slow_down()));
            }
            let body = call.body().bytes().unwrap().to_vec();
            state.objects.insert(call.key().unwrap().to_owned(), body);
            MockResponse::Output(PutObjectOutput::builder().build())
        });
        let delete = mock!(Client::delete_objects).then_compute_output(move |call| {
            for object in call.delete().unwrap().objects() {
                other.state().objects.remove(object.key());
            }
            DeleteObjectsOutput::builder().build()
        });
        vec![put, delete]
    }

    fn copies(&self) -> Vec<Rule> {
        let (bucket, other) = (self.clone(), self.clone());
        let whole = mock!(Client::copy_object).then_compute_response(move |call| {
            bucket.writing();
            let mut state = bucket.state();
            state.calls.push("copy_object");
            if state.down {
                return MockResponse::Error(CopyObjectError::generic(slow_down()));
            }
            let Some(bytes) = state
                .objects
                .get(&decoded(call.copy_source().unwrap()))
                .cloned()
            else {
                return MockResponse::Http(status(404));
            };
            if call
                .copy_source_if_match()
                .is_some_and(|expected| expected != e_tag(&bytes))
            {
                return MockResponse::Http(status(412));
            }
            state.objects.insert(call.key().unwrap().to_owned(), bytes);
            MockResponse::Output(CopyObjectOutput::builder().build())
        });
        let part = mock!(Client::upload_part_copy).then_compute_output(move |call| {
            let mut state = other.state();
            state.calls.push("upload_part_copy");
            let (start, end) = range(call.copy_source_range().unwrap());
            let source = &state.objects[&decoded(call.copy_source().unwrap())];
            // A file above 256 MiB is announced, but not kept in memory: its parts are their ranges.
            let bytes = source
                .get(start..end)
                .map_or_else(|| format!("{start}-{end};").into_bytes(), <[u8]>::to_vec);
            let upload = state.uploads.get_mut(call.upload_id().unwrap()).unwrap();
            upload.1.insert(call.part_number().unwrap(), bytes);
            let result = CopyPartResult::builder().e_tag("part").build();
            UploadPartCopyOutput::builder()
                .copy_part_result(result)
                .build()
        });
        vec![whole, part]
    }

    fn multipart(&self) -> Vec<Rule> {
        let (create, part, complete, abort) =
            (self.clone(), self.clone(), self.clone(), self.clone());
        let create = mock!(Client::create_multipart_upload).then_compute_output(move |call| {
            create.writing();
            let mut state = create.state();
            state.next_upload += 1;
            let id = state.next_upload.to_string();
            state.uploads.insert(
                id.clone(),
                (call.key().unwrap().to_owned(), BTreeMap::new()),
            );
            CreateMultipartUploadOutput::builder().upload_id(id).build()
        });
        let part = mock!(Client::upload_part).then_compute_output(move |call| {
            part.writing();
            let mut state = part.state();
            let upload = state.uploads.get_mut(call.upload_id().unwrap()).unwrap();
            upload.1.insert(
                call.part_number().unwrap(),
                call.body().bytes().unwrap().to_vec(),
            );
            UploadPartOutput::builder().e_tag("part").build()
        });
        let complete = mock!(Client::complete_multipart_upload).then_compute_output(move |call| {
            complete.writing();
            let mut state = complete.state();
            let (key, parts) = state.uploads.remove(call.upload_id().unwrap()).unwrap();
            state
                .objects
                .insert(key, parts.into_values().flatten().collect());
            CompleteMultipartUploadOutput::builder().build()
        });
        let abort = mock!(Client::abort_multipart_upload).then_compute_response(move |call| {
            abort.writing();
            let mut state = abort.state();
            if state.down {
                return MockResponse::Error(AbortMultipartUploadError::generic(slow_down()));
            }
            if state.uploads.remove(call.upload_id().unwrap()).is_none() {
                let gone = NoSuchUpload::builder().build();
                return MockResponse::Error(AbortMultipartUploadError::NoSuchUpload(gone));
            }
            MockResponse::Output(AbortMultipartUploadOutput::builder().build())
        });
        vec![create, part, complete, abort]
    }
}

/// The reporter of a run that nobody watches.
#[must_use]
pub fn reporter() -> Reporter {
    Reporter::new(ManualClock::default().clock(), 1)
}

fn e_tag(bytes: &[u8]) -> String {
    format!("\"{:08x}{}\"", crc32fast::hash(bytes), bytes.len())
}

fn range(header: &str) -> (usize, usize) {
    let (start, last) = header
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    (start.parse().unwrap(), last.parse::<usize>().unwrap() + 1)
}

/// The key that a copy's source names.
fn decoded(source: &str) -> String {
    let pair = format!("k={source}").replace('+', "%2B");
    let key = form_urlencoded::parse(pair.as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned();
    key.strip_prefix("bucket/").unwrap().to_owned()
}

fn slow_down() -> ErrorMetadata {
    ErrorMetadata::builder().code("SlowDown").build()
}

fn status(code: u16) -> HttpResponse {
    HttpResponse::new(code.try_into().unwrap(), SdkBody::empty())
}
