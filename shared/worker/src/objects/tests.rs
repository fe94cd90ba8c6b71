use std::{
    io::{Seek, SeekFrom},
    net::TcpListener,
};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use jobs::FailureCode;
use release_files::{WorkError, find_cause};

use super::*;
use crate::testing::bucket::{Bucket, reporter};

pub(super) fn is_unavailable(error: &io::Error) -> bool {
    find_cause::<AwsError>(error).is_some_and(AwsError::is_unavailable)
}

/// Runs blocking work as jobs do.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// The sizes of requests for files of a few bytes.
pub(super) const TINY: Sizes = Sizes {
    small: 8,
    chunk: 3,
    part: 16,
    parts_in_flight: 3,
    range: 32,
    ranges_in_flight: 2,
};

/// Opens the bucket with tiny requests.
pub(super) fn tiny(bucket: &Bucket) -> ObjectStore {
    ObjectStore {
        sizes: TINY,
        ..bucket.objects()
    }
}

pub(super) fn noise(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0])
        .collect()
}

#[tokio::test]
async fn file_of_several_parts_is_written_and_read() {
    let (bucket, bytes) = (Bucket::default(), noise(100));
    let (store, content) = (tiny(&bucket), bytes.clone());
    blocking(move || store.write("big".to_owned(), &content))
        .await
        .unwrap();
    assert!(bucket.state().uploads.is_empty());
    let (store, file) = (tiny(&bucket), bucket.listed("big"));
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
    let store = tiny(&bucket);
    blocking(move || {
        let mut object = store.create("big".to_owned());
        object.write_all(&noise(99)).unwrap();
    })
    .await;
    assert!(bucket.state().uploads.is_empty() && bucket.state().objects.is_empty());
}

/// Writes a file of two parts, and runs `before_complete` when the upload is about to be completed.
async fn write_two_parts(
    bucket: &Bucket,
    before_complete: impl FnOnce(&Bucket) + Send + 'static,
) -> io::Result<()> {
    let (store, hooked) = (tiny(bucket), bucket.clone());
    // The upload is created, then come its two parts.
    bucket.state().before_write = Some((3, Box::new(move || before_complete(&hooked))));
    blocking(move || store.write("big".to_owned(), &noise(20))).await
}

#[tokio::test]
async fn upload_whose_completion_was_answered_to_nobody_is_complete() {
    let bucket = Bucket::default();
    let completed = write_two_parts(&bucket, |bucket| {
        bucket.state().uploads.clear();
        bucket.put("big", noise(20));
    });
    completed.await.unwrap();
    assert_eq!(bucket.state().objects["big"], noise(20));
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

/// Returns the client of a server that the test plays.
pub(super) fn client_of(listener: &TcpListener) -> Client {
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    Client::from_conf(config.build())
}

/// Returns a bucket that takes requests and never answers, as long as the listener lives.
fn silent_files() -> (TcpListener, Files) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let files = Files::new(client_of(&listener), "bucket");
    (listener, files)
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
        |store, _| store.create("d".into()).write_all(&[0; 100]),
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let reporter = reporter();
        let mut store = ObjectStore::new(&files, reporter.clone());
        store.sizes = TINY;
        let file = file.clone();
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
        let mut store = ObjectStore::new(&bucket.files(), reporter.clone());
        store.sizes = TINY;
        let mut object = store.create("big".to_owned());
        let object = blocking(move || {
            object.write_all(&noise(99)).unwrap();
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
async fn files_are_copied_several_at_a_time_until_the_job_stops() {
    let (listener, files) = silent_files();
    let bucket = Bucket::default();
    bucket.put("a", noise(10));
    let (reporter, file) = (reporter(), bucket.listed("a"));
    let store = ObjectStore::new(&files, reporter.clone());
    let work = tokio::spawn(blocking(move || {
        let copies: Vec<_> = (0..9).map(|to| (&file, to.to_string())).collect();
        store.copy_all(&copies, |_| {}).unwrap_err()
    }));
    // None is answered before eight have been sent.
    let _calls = blocking(move || [(); 8].map(|()| listener.accept().unwrap())).await;
    reporter.stop();
    assert!(matches!(
        WorkError::from(work.await.unwrap()),
        WorkError::Stopped
    ));
    assert!(reporter.leaves_upload());
}

#[tokio::test]
async fn files_of_any_size_are_copied_and_counted() {
    let bucket = Bucket::default();
    bucket.put("a", noise(10));
    let (store, small) = (bucket.objects(), bucket.listed("a"));
    let large = StoredFile {
        size: 300 * 1024 * 1024,
        ..small.clone()
    };
    let counts = blocking(move || {
        let mut counts = Vec::new();
        let files = (0..20).map(|to| (if to == 7 { &large } else { &small }, format!("b{to}")));
        let files: Vec<_> = files.collect();
        store.copy_all(&files, |count| counts.push(count)).unwrap();
        counts
    })
    .await;
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    let state = bucket.state();
    assert_eq!(state.objects.len(), 21);
    assert_eq!(state.objects["b7"], b"0-268435456;268435456-314572800;");
    assert!(
        state
            .objects
            .iter()
            .all(|(key, bytes)| key == "b7" || *bytes == noise(10))
    );
}

#[tokio::test]
async fn copies_in_flight_when_another_fails_are_left_to_the_sweeper() {
    for count in [1, 3] {
        let bucket = Bucket::default();
        bucket.put("a", noise(10));
        let (reporter, file) = (reporter(), bucket.listed("a"));
        let store = ObjectStore::new(&bucket.files(), reporter.clone());
        bucket.put("a", b"other".to_vec());
        let error = blocking(move || {
            let files: Vec<_> = (0..count).map(|to| (&file, to.to_string())).collect();
            store.copy_all(&files, |_| {}).unwrap_err()
        });
        let found = WorkError::from(error.await);
        assert!(matches!(&found, WorkError::Failed(f) if f.code == FailureCode::SourceChanged));
        assert_eq!(reporter.leaves_upload(), count > 1);
    }
}
