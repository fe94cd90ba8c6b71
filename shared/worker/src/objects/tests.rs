use std::{
    io::{Seek, SeekFrom},
    net::TcpListener,
};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use jobs::FailureCode;
use release_files::{WorkError, find_cause};

use super::*;
use crate::testing::bucket::{Bucket, reporter};

fn is_unavailable(error: &io::Error) -> bool {
    find_cause::<AwsError>(error).is_some_and(AwsError::is_unavailable)
}

/// Runs blocking work as jobs do.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn noise(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0])
        .collect()
}

#[tokio::test]
async fn file_larger_than_a_block_is_written_and_read() {
    let (bucket, bytes) = (Bucket::default(), noise(2 * BLOCK_BYTES + 5));
    let (store, content) = (bucket.objects(), bytes.clone());
    blocking(move || store.write("big".to_owned(), &content))
        .await
        .unwrap();
    assert!(bucket.state().uploads.is_empty());
    let (store, file) = (bucket.objects(), bucket.listed("big"));
    let (read, tail) = blocking(move || {
        let mut reader = store.open(&file);
        let mut tail = Vec::new();
        reader.seek(SeekFrom::End(-3)).unwrap();
        reader.read_to_end(&mut tail).unwrap();
        (store.read(&file).unwrap(), tail)
    })
    .await;
    assert!(read == bytes && tail == bytes[bytes.len() - 3..]);
}

#[tokio::test]
async fn truncated_body_is_requested_again() {
    let bucket = Bucket::default();
    bucket.put("a", noise(1000));
    bucket.state().broken_reads = 2;
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    assert_eq!(
        blocking(move || store.read(&file)).await.unwrap(),
        noise(1000)
    );
    assert_eq!(bucket.state().calls, ["get_object"; 3]);
}

#[tokio::test]
async fn repeatedly_truncated_bodies_count_as_an_outage() {
    let bucket = Bucket::default();
    bucket.put("a", noise(1000));
    bucket.state().broken_reads = u32::MAX;
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    let error = blocking(move || store.read(&file)).await.unwrap_err();
    assert!(is_unavailable(&error), "{error:?}");
}

#[tokio::test]
async fn overload_counts_as_an_outage_for_every_call() {
    let bucket = Bucket::default();
    bucket.put("a", noise(10));
    bucket.state().down = true;
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    let errors = blocking(move || {
        [
            store.read(&file).unwrap_err(),
            store.write("b".into(), b"x").unwrap_err(),
            store.copy(&file, "c").unwrap_err(),
        ]
    })
    .await;
    for error in errors {
        assert!(is_unavailable(&error), "{error:?}");
    }
}

#[tokio::test]
async fn replaced_or_deleted_file_fails_as_changed() {
    let bucket = Bucket::default();
    bucket.put("a", noise(10));
    let listed = bucket.listed("a");
    for deleted in [false, true] {
        bucket.put("a", b"other".to_vec());
        if deleted {
            bucket.state().objects.clear();
        }
        let (store, file) = (bucket.objects(), listed.clone());
        let errors = blocking(move || {
            [
                store.read(&file).map(drop).unwrap_err(),
                store.copy(&file, "b").unwrap_err(),
            ]
        })
        .await;
        for error in errors {
            let found = WorkError::from(error);
            assert!(
                matches!(&found, WorkError::Failed(f) if f.code == FailureCode::SourceChanged),
                "{found:?}"
            );
        }
    }
}

#[tokio::test]
async fn copy_source_with_special_characters_is_encoded() {
    let bucket = Bucket::default();
    bucket.put("releases/1/source/cd 1/été +%20&.txt", b"content".to_vec());
    let (store, file) = (
        bucket.objects(),
        bucket.listed("releases/1/source/cd 1/été +%20&.txt"),
    );
    blocking(move || store.copy(&file, "b")).await.unwrap();
    assert_eq!(bucket.state().objects["b"], b"content");
}

#[tokio::test]
async fn large_file_is_copied_in_parts() {
    let bucket = Bucket::default();
    bucket.put("a", b"");
    let (store, mut file) = (bucket.objects(), bucket.listed("a"));
    file.size = 600 * 1024 * 1024;
    blocking(move || store.copy(&file, "b")).await.unwrap();
    let parts = bucket.state().objects["b"].clone();
    assert_eq!(
        parts,
        b"0-268435456;268435456-536870912;536870912-629145600;"
    );
    assert!(bucket.state().uploads.is_empty());
}

#[tokio::test]
async fn dropped_upload_is_aborted() {
    let bucket = Bucket::default();
    let store = bucket.objects();
    blocking(move || {
        let mut object = store.create("big".to_owned());
        object.write_all(&noise(BLOCK_BYTES + 1)).unwrap();
    })
    .await;
    assert!(bucket.state().uploads.is_empty() && bucket.state().objects.is_empty());
}

/// Writes a file of two parts, and runs `before_complete` when the upload is about to be completed.
async fn write_two_parts(
    bucket: &Bucket,
    before_complete: impl FnOnce(&Bucket) + Send + 'static,
) -> io::Result<()> {
    let (store, hooked) = (bucket.objects(), bucket.clone());
    // The upload is created, then come its two parts.
    bucket.state().before_write = Some((3, Box::new(move || before_complete(&hooked))));
    blocking(move || store.write("big".to_owned(), &noise(BLOCK_BYTES + 1))).await
}

#[tokio::test]
async fn upload_whose_completion_was_answered_to_nobody_is_complete() {
    let bucket = Bucket::default();
    let completed = write_two_parts(&bucket, |bucket| {
        bucket.state().uploads.clear();
        bucket.put("big", noise(BLOCK_BYTES + 1));
    });
    completed.await.unwrap();
    assert_eq!(bucket.state().objects["big"], noise(BLOCK_BYTES + 1));
}

#[tokio::test]
async fn upload_that_was_aborted_is_not_complete() {
    let bucket = Bucket::default();
    let aborted = write_two_parts(&bucket, |bucket| bucket.state().uploads.clear());
    aborted.await.unwrap_err();
    let bucket = Bucket::default();
    let replaced = write_two_parts(&bucket, |bucket| {
        bucket.state().uploads.clear();
        bucket.put("big", noise(7));
    });
    replaced.await.unwrap_err();
}

#[tokio::test]
async fn stopped_job_makes_no_calls() {
    let bucket = Bucket::default();
    bucket.put("a", noise(10));
    let reporter = reporter();
    let (store, file) = (
        ObjectStore::new(&bucket.files(), reporter.clone()),
        bucket.listed("a"),
    );
    reporter.stop();
    let errors = blocking(move || {
        let write = store.write("b".into(), b"x").unwrap_err();
        [
            store.read(&file).unwrap_err(),
            write,
            store.copy(&file, "c").unwrap_err(),
        ]
    })
    .await;
    for error in errors {
        assert!(matches!(WorkError::from(error), WorkError::Stopped));
    }
    assert!(bucket.state().calls.is_empty());
}

/// Returns a bucket that takes requests and never answers, as long as the listener lives.
fn silent_files() -> (TcpListener, Files) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    let client = Client::from_conf(config.build());
    (listener, Files::new(client, "bucket"))
}

#[tokio::test]
async fn stopped_job_waits_for_no_answer() {
    let (listener, files) = silent_files();
    let bucket = Bucket::default();
    bucket.put("a", noise(10));
    let file = bucket.listed("a");
    let calls: [fn(&ObjectStore, &StoredFile) -> io::Result<()>; 4] = [
        |store, file| store.read(file).map(drop),
        |store, _| store.write("b".into(), b"x"),
        |store, file| store.copy(file, "c"),
        |store, _| store.create("d".into()).write_all(&vec![0; BLOCK_BYTES]),
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let reporter = reporter();
        let (store, file) = (ObjectStore::new(&files, reporter.clone()), file.clone());
        let work = tokio::spawn(blocking(move || call(&store, &file).unwrap_err()));
        let calls = listener.try_clone().unwrap();
        let _call = blocking(move || calls.accept().unwrap()).await;
        reporter.stop();
        let error = tokio::time::timeout(Duration::from_secs(8), work).await;
        let error = error.expect("the work stops").unwrap();
        assert!(matches!(WorkError::from(error), WorkError::Stopped));
        // A write that was given up may still take effect.
        assert_eq!(reporter.leaves_upload(), number > 0, "call {number}");
    }
}

#[tokio::test]
async fn failed_abort_is_left_to_the_sweeper() {
    let bucket = Bucket::default();
    let reporter = reporter();
    for down in [false, true] {
        let store = ObjectStore::new(&bucket.files(), reporter.clone());
        let mut object = store.create("big".to_owned());
        let object = blocking(move || {
            object.write_all(&noise(BLOCK_BYTES)).unwrap();
            object
        })
        .await;
        bucket.state().down = down;
        blocking(move || drop(object)).await;
        assert_eq!(
            (reporter.leaves_upload(), bucket.state().uploads.len()),
            (down, usize::from(down))
        );
    }
}

#[tokio::test]
async fn file_with_too_many_parts_needs_volumes() {
    let (bucket, parts) = (Bucket::default(), vec!["part"; 10_000]);
    let state = serde_json::from_value(serde_json::json!({"id": "1", "parts": parts})).unwrap();
    let mut object = bucket
        .objects()
        .resume("big".to_owned(), Some(state), Vec::new());
    let error = blocking(move || object.write_all(&noise(BLOCK_BYTES)).unwrap_err()).await;
    let found = WorkError::from(error);
    assert!(
        matches!(&found, WorkError::Failed(f) if f.code == FailureCode::VolumesNeeded),
        "{found:?}"
    );
}
