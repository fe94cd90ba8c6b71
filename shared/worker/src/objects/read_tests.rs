//! Files in several ranges.

use std::{
    io::{BufReader, Cursor, Read, Seek, SeekFrom, Write},
    net::TcpListener,
};

use proptest::prelude::*;

use super::{
    part_server::receive,
    tests::{blocking, client_of, is_unavailable, noise, tiny},
    write_tests::any_sizes,
    *,
};
use crate::testing::bucket::{Bucket, reporter};

const MIB: usize = 1 << 20;

/// Returns a bucket with a file of `mib` MiB.
fn bucket_with(mib: usize) -> Bucket {
    let bucket = Bucket::default();
    bucket.put("a", vec![5; mib * MIB]);
    bucket
}

/// Reads the whole file of a bucket in small steps. Returns the sizes of the ranges in MiB.
async fn ranges_of(
    bucket: &Bucket,
    open: fn(&ObjectStore, &StoredFile) -> ObjectReader,
) -> Vec<usize> {
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    let size = file.size;
    let read = blocking(move || {
        let (mut reader, mut buffer, mut read) = (open(&store, &file), vec![0; 64 << 10], 0);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => return read,
                count => read += count as u64,
            }
        }
    });
    assert_eq!(read.await, size);
    let state = bucket.state();
    let sizes = state.reads.iter().map(|range| range.len().div_ceil(MIB));
    sizes.collect()
}

#[tokio::test]
async fn whole_file_takes_few_even_ranges() {
    for (mib, ranges) in [(1, vec![1]), (50, vec![50]), (100, vec![50, 50])] {
        assert_eq!(
            ranges_of(&bucket_with(mib), ObjectStore::open_whole).await,
            ranges
        );
    }
}

#[tokio::test]
async fn ranges_grow_while_reading_is_sequential() {
    for (mib, ranges) in [(8, vec![8]), (9, vec![8, 1]), (100, vec![8, 24, 53, 16])] {
        assert_eq!(
            ranges_of(&bucket_with(mib), ObjectStore::open).await,
            ranges
        );
    }
}

#[tokio::test]
async fn reader_that_seeks_fetches_small_ranges_and_keeps_them() {
    let bucket = bucket_with(100);
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    // The bytes around the last position but one are kept, too. No range is read to two thirds, from
    // which the next one is fetched ahead.
    let positions = [0, 80, 83, 81, 0, 85, 40, 45, 82, 40];
    blocking(move || {
        let mut reader = store.open(&file);
        for position in positions {
            let at = (position * MIB) as u64;
            reader.seek(SeekFrom::Start(at)).unwrap();
            reader.read_exact(&mut [0; 100]).unwrap();
        }
    })
    .await;
    let starts = [0, 80, 40].map(|at| at * MIB..(at + 8) * MIB);
    assert_eq!(bucket.state().reads, starts);
}

#[tokio::test]
async fn end_of_a_file_is_read_together() {
    let bucket = bucket_with(100);
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    blocking(move || {
        let mut reader = store.open(&file);
        for position in [-22, -1_000, -(1 << 20)] {
            reader.seek(SeekFrom::End(position)).unwrap();
            reader.read_exact(&mut [0; 22]).unwrap();
        }
    })
    .await;
    assert_eq!(bucket.state().reads, vec![99 * MIB..100 * MIB; 1]);
}

#[tokio::test]
async fn broken_body_is_resumed_where_it_broke() {
    let bucket = Bucket::default();
    bucket.put("a", noise(1_000));
    bucket.state().broken_reads = 6;
    let (store, file) = (bucket.objects(), bucket.listed("a"));
    let read = blocking(move || store.read(&file)).await;
    assert_eq!(read.unwrap(), noise(1_000));
    let starts = [0, 500, 750, 875, 937, 968, 984].map(|start| start..1_000);
    assert_eq!(bucket.state().reads, starts);
}

#[tokio::test]
async fn ranges_ahead_fail_only_when_they_are_reached() {
    let bucket = Bucket::default();
    bucket.put("a", noise(100));
    let (store, file) = (tiny(&bucket), bucket.listed("a"));
    bucket.state().replace = Some((1, "a".to_owned()));
    let (read, error) = blocking(move || {
        let (mut reader, mut read) = (store.open_whole(&file), vec![0; 20]);
        reader.read_exact(&mut read).unwrap();
        (read, reader.read_to_end(&mut Vec::new()).unwrap_err())
    })
    .await;
    assert_eq!(read, noise(100)[..20]);
    assert!(!is_unavailable(&error), "{error:?}");
}

#[tokio::test]
async fn bytes_are_read_before_the_range_has_arrived() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let files = Files::new(client_of(&listener), "bucket");
    let size = 3 * MIB;
    let file = StoredFile {
        key: "a".to_owned(),
        size: size as u64,
        last_modified: None,
        e_tag: None,
    };
    let (is_read, first_is_read) = std::sync::mpsc::channel();
    let server = blocking(move || {
        let (mut connection, _) = listener.accept().unwrap();
        receive(&mut BufReader::new(&connection)).unwrap();
        let head = format!("HTTP/1.1 206 Partial Content\r\ncontent-length: {size}\r\n\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&vec![1; MIB]).unwrap();
        first_is_read.recv().unwrap();
        connection.write_all(&vec![2; size - MIB]).unwrap();
    });
    let server = tokio::spawn(server);
    let store = ObjectStore::new(&files, reporter());
    let rest = blocking(move || {
        let (mut reader, mut first) = (store.open(&file), vec![0; MIB]);
        reader.read_exact(&mut first).unwrap();
        is_read.send(()).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        rest
    });
    assert!(rest.await == vec![2; size - MIB]);
    server.await.unwrap();
}

/// A step of a reader.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(usize),
    Start(u64),
    End(i64),
    Current(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_usize..60).prop_map(Step::Read),
        1 => (0_u64..250).prop_map(Step::Start),
        1 => (-250_i64..10).prop_map(Step::End),
        1 => (-40_i64..40).prop_map(Step::Current),
    ]
}

/// Returns the position after a seek, or the bytes of a read.
fn take(reader: &mut (impl Read + Seek), step: Step) -> Option<(u64, Vec<u8>)> {
    let mut bytes = Vec::new();
    let to = match step {
        Step::Read(count) => {
            let mut part = reader.take(count as u64);
            part.read_to_end(&mut bytes).unwrap();
            SeekFrom::Current(0)
        }
        Step::Start(at) => SeekFrom::Start(at),
        Step::End(by) => SeekFrom::End(by),
        Step::Current(by) => SeekFrom::Current(by),
    };
    Some((reader.seek(to).ok()?, bytes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_seeks_and_reads_give_the_bytes_of_the_file(
        sizes in any_sizes(),
        size in 0_usize..200,
        is_whole in any::<bool>(),
        broken_reads in 0_u32..4,
        steps in prop::collection::vec(any_step(), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let (bucket, whole) = (Bucket::default(), noise(size));
        bucket.put("a", whole.clone());
        bucket.state().broken_reads = broken_reads;
        let store = ObjectStore { sizes, ..bucket.objects() };
        let file = bucket.listed("a");
        let mut reader = if is_whole { store.open_whole(&file) } else { store.open(&file) };
        let mut expected = Cursor::new(whole);
        for step in steps {
            prop_assert_eq!(take(&mut reader, step), take(&mut expected, step), "{:?}", step);
        }
    }
}
