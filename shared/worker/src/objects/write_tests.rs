//! Files in several parts.

use jobs::FailureCode;
use proptest::prelude::*;
use release_files::WorkError;
use serde_json::json;

use super::{
    part_server::PartServer,
    tests::{TINY, blocking, noise, tiny},
    *,
};
use crate::testing::bucket::{Bucket, reporter};

#[tokio::test]
async fn file_of_at_most_one_part_is_a_single_request() {
    for size in [0, 1, 8, 15, 16] {
        let bucket = Bucket::default();
        let store = tiny(&bucket);
        blocking(move || store.write("a".to_owned(), &noise(size)))
            .await
            .unwrap();
        assert_eq!(bucket.state().calls, ["put_object"], "{size}");
        assert_eq!(bucket.state().objects["a"], noise(size));
    }
}

#[tokio::test]
async fn part_is_sent_once_more_than_it_is_there() {
    let bucket = Bucket::default();
    let store = tiny(&bucket);
    let object = blocking(move || {
        let mut object = store.create("a".to_owned());
        object.write_all(&noise(34)).unwrap();
        object.suspend().unwrap()
    });
    object.await;
    let state = bucket.state();
    let sizes = state.uploads["1"].1.values().map(Vec::len);
    assert_eq!(sizes.collect::<Vec<_>>(), [16, 16]);
}

/// Opens the bucket of a server with tiny requests.
fn served(server: &PartServer) -> (ObjectStore, Reporter) {
    let reporter = reporter();
    let mut store = ObjectStore::new(&server.files(), reporter.clone());
    store.sizes = TINY;
    (store, reporter)
}

#[tokio::test]
async fn parts_that_arrive_out_of_order_give_the_same_file() {
    // Of three parts, each is answered after the next one.
    let server = PartServer::start(|number, answered| {
        number % 3 == 0 || number == 7 || answered.contains_key(&(number + 1))
    });
    let (store, _) = served(&server);
    blocking(move || store.write("a".to_owned(), &noise(112)))
        .await
        .unwrap();
    let state = server.state();
    assert_eq!(state.answered.len(), 7);
    assert_eq!(state.object.as_deref(), Some(&noise(112)[..]));
}

#[tokio::test]
async fn stop_with_several_parts_in_flight_leaves_nothing() {
    let server = PartServer::start(|_, _| false);
    let (store, reporter) = served(&server);
    let work = tokio::spawn(blocking(move || {
        let mut object = store.create("a".to_owned());
        object.write_all(&noise(112)).unwrap_err()
    }));
    let waiting = server.clone();
    blocking(move || drop(waiting.wait_until(|state| state.received == 3))).await;
    reporter.stop();
    let error = WorkError::from(work.await.unwrap());
    assert!(matches!(error, WorkError::Stopped), "{error:?}");
    let state = server.state();
    assert!(state.is_aborted && state.object.is_none());
    assert_eq!(state.received, 3);
    assert!(!reporter.leaves_upload());
}

#[tokio::test]
async fn upload_with_a_wrong_part_fails_and_leaves_nothing() {
    let bucket = Bucket::default();
    let upload = ("a".to_owned(), [(1, noise(16))].into());
    bucket.state().uploads.insert("1".to_owned(), upload);
    let state = json!({"id": "1", "parts": ["of another part"], "sent": 16});
    let suspended = (serde_json::from_value(state).unwrap(), noise(10));
    let store = tiny(&bucket);
    let failed = blocking(move || store.resume("a".to_owned(), suspended).finish());
    failed.await.unwrap_err();
    let state = bucket.state();
    assert!(state.uploads.is_empty() && state.objects.is_empty());
}

/// Puts an upload of `count` parts of 8 MiB, as an earlier version has suspended it. Returns its
/// state.
fn suspended_by_an_earlier_version(bucket: &Bucket, count: i32) -> UploadState {
    let part = vec![7; 8 << 20];
    let parts = (1..=count).map(|number| (number, part.clone())).collect();
    let upload = ("a".to_owned(), parts);
    bucket.put("part", part);
    bucket.state().uploads.insert("9".to_owned(), upload);
    let e_tags = vec![bucket.listed("part").e_tag; usize::try_from(count).unwrap()];
    serde_json::from_value(json!({"id": "9", "parts": e_tags})).unwrap()
}

#[tokio::test]
async fn upload_of_an_earlier_version_resumes() {
    for is_answer_lost in [false, true] {
        let bucket = Bucket::default();
        let state = suspended_by_an_earlier_version(&bucket, 2);
        let whole = [vec![7; 16 << 20], noise(1_000)].concat();
        let (hooked, content) = (bucket.clone(), whole.clone());
        if is_answer_lost {
            let complete = move || {
                hooked.state().uploads.clear();
                hooked.put("a", content);
            };
            bucket.state().before_write = Some((1, Box::new(complete)));
        }
        let store = bucket.objects();
        blocking(move || {
            let suspended = (Some(state), noise(1_000)[..400].to_vec());
            let mut object = store.resume("a".to_owned(), suspended);
            object.write_all(&noise(1_000)[400..]).unwrap();
            object.finish().unwrap();
        })
        .await;
        assert!(bucket.state().objects["a"] == whole);
        assert!(bucket.state().uploads.is_empty());
    }
}

#[tokio::test]
async fn file_with_too_many_parts_needs_volumes() {
    let (bucket, parts) = (Bucket::default(), vec!["part"; 10_000]);
    let state = serde_json::from_value(json!({"id": "1", "parts": parts})).unwrap();
    let suspended = (Some(state), Vec::new());
    let mut object = tiny(&bucket).resume("big".to_owned(), suspended);
    let error = blocking(move || object.write_all(&noise(20)).unwrap_err()).await;
    let found = WorkError::from(error);
    assert!(
        matches!(&found, WorkError::Failed(f) if f.code == FailureCode::VolumesNeeded
            && f.message.contains("larger than 83 GB")),
        "{found:?}"
    );
}

/// Sizes of requests, all possible ones for tiny files.
pub(super) fn any_sizes() -> impl Strategy<Value = Sizes> {
    let sizes = (
        1_u64..32,
        1_u64..8,
        1_usize..40,
        1_usize..4,
        1_u64..40,
        1_usize..4,
    );
    sizes.prop_map(
        |(small, chunk, part, parts_in_flight, range, ranges_in_flight)| Sizes {
            small,
            chunk,
            part,
            parts_in_flight,
            range,
            ranges_in_flight,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_writes_and_suspensions_give_the_same_file(
        all_sizes in prop::collection::vec(any_sizes(), 1..4),
        writes in prop::collection::vec(0_usize..50, 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let (bucket, total) = (Bucket::default(), writes.iter().sum());
        let whole: Vec<u8> = noise(total);
        let store = |at: usize| ObjectStore {
            sizes: all_sizes[at % all_sizes.len()],
            ..bucket.objects()
        };
        let mut object = store(0).create("a".to_owned());
        let (mut at, key) = (0, "a".to_owned());
        for (number, count) in writes.iter().enumerate() {
            object.write_all(&whole[at..at + count]).unwrap();
            at += count;
            if number % 3 == 2 {
                let (upload, unsent) = object.suspend().unwrap();
                let json = serde_json::to_string(&upload).unwrap();
                let upload = serde_json::from_str(&json).unwrap();
                object = store(number).resume(key.clone(), (upload, unsent));
            }
        }
        object.finish().unwrap();
        prop_assert_eq!(&bucket.state().objects["a"], &whole);
        prop_assert!(bucket.state().uploads.is_empty());
    }
}
