//! A table with many jobs, copied from a few that the store has written.

use std::time::Duration;

use dynoxide::{AttributeValue, Database, ImportOptions, Item};
use jobs::{JobId, testing::START};
use serde_json::json;
use store::{
    SHARDS,
    testing::{Meter, store_in},
};
use worker::testing::queue;

use crate::common::{Api, FakeWork, OWNER, job_id};

/// The time over which the jobs were created.
const SPAN_MILLIS: u64 = 60 * 24 * 3_600_000;
/// Number of random bits in an id; the bits above are its time.
const RANDOM_BITS: u32 = 12;
/// Position of the time bucket in an id, as in the index of all jobs.
pub const BUCKET_BITS: u32 = 43;
/// One job in this many has failed, and one is of a rare type.
const RARE: u64 = 10_000;
/// Number of jobs that are due for the sweeper, at every size.
pub const DUE: u64 = 60;
/// Number of users who share the jobs that are not the owner's.
const OTHERS: u64 = 1_000;

/// The originals of the copies: final jobs, some of them failed or of a rare type, and jobs for the
/// sweeper, whose message was lost or whose run has died.
const COMPLETED: usize = 0;
const FAILED: usize = 1;
const RARE_TYPE: usize = 2;
const LOST: usize = 3;
const DEAD: usize = 4;

/// The items of a job and its log, as written by the store.
struct Original {
    id: u64,
    items: Vec<Item>,
}

/// A filled table.
pub struct Loaded {
    pub api: Api,
    pub meter: Meter,
    /// Jobs of the owner's from the whole time, with their logs.
    pub sample: Vec<u64>,
    /// A release with a tenth of all jobs.
    pub release: u64,
}

impl Loaded {
    /// Fills a table with `size` jobs. `sample_size` of them get a log.
    pub async fn with(size: u64, sample_size: u64) -> Self {
        let originals = Original::of_each_kind().await;
        let (database, api, meter, release) = empty().await;
        database.enable_bulk_loading().unwrap();
        let (mut items, mut sample) = (Vec::new(), Vec::new());
        for number in 0..size {
            let id = id_of(number, size);
            // Every other job is the owner's; `turn` counts the jobs of each half.
            let (turn, own) = (number / 2, number % 2 == 0);
            let owner = if own { OWNER.0 } else { OTHERS + turn % OTHERS };
            let release = if own && turn % 5 == 0 {
                release
            } else {
                1 + turn % 1_000
            };
            let in_sample = own && turn % (size / 2 / sample_size) == 0;
            sample.extend(in_sample.then_some(id));
            // Other logs are left out: they are in partitions of their own and in no index.
            let original = &originals[kind(turn, own, size)];
            items.extend(
                original
                    .copy(id, owner, release)
                    .filter(|item| in_sample || item.contains_key("id")),
            );
            if items.len() > 5_000 || number + 1 == size {
                import(&database, &mut items);
            }
        }
        Self {
            api,
            meter,
            sample,
            release,
        }
    }
}

/// Fills a table with `pending` jobs whose message was lost, and then with `expired` jobs whose run
/// has died. All are due, the pending jobs for longer. Returns the ids of the expired ones too.
pub async fn backlog(pending: u64, expired: u64) -> (Api, Meter, Vec<JobId>) {
    let originals = Original::of_each_kind().await;
    let (database, api, meter, release) = empty().await;
    database.enable_bulk_loading().unwrap();
    let size = pending + expired;
    let (mut items, mut dead) = (Vec::new(), Vec::new());
    for number in 0..size {
        let id = id_of(number, size);
        let is_dead = number >= pending;
        dead.extend(is_dead.then(|| job_id(id)));
        let original = &originals[if is_dead { DEAD } else { LOST }];
        let copy = original.copy(id, OTHERS + number % OTHERS, release);
        // The jobs have no log.
        items.extend(copy.filter(|item| item.contains_key("id")));
        if items.len() > 5_000 || number + 1 == size {
            import(&database, &mut items);
        }
    }
    (api, meter, dead)
}

fn import(database: &Database, items: &mut Vec<Item>) {
    database
        .import_items("jobs", std::mem::take(items), ImportOptions::default())
        .unwrap();
}

/// Creates a table with one release and no jobs.
async fn empty() -> (Database, Api, Meter, u64) {
    let database = Database::memory().unwrap();
    let (store, meter) = store_in(database.clone()).await;
    let api = Api::over(store, queue());
    let release = api.create_release().await;
    (database, api, meter, release)
}

/// Selects the original of a job.
fn kind(turn: u64, own: bool, size: u64) -> usize {
    let due = |turn: u64| turn * DUE / (size / 2);
    if !own && due(turn) != due(turn + 1) {
        return [LOST, DEAD][usize::from(due(turn) % 2 == 1)];
    }
    match turn % RARE {
        499 => FAILED,
        498 => RARE_TYPE,
        _ => COMPLETED,
    }
}

impl Original {
    async fn of_each_kind() -> [Self; 5] {
        let (database, api, _, release) = empty().await;
        let mut ids = [0; 5];
        for (kind, id) in ids.iter_mut().enumerate() {
            let job_type = if kind == RARE_TYPE {
                "dirfix"
            } else {
                "packaging"
            };
            *id = api
                .create(json!({"job_type": job_type, "release_id": release}))
                .await;
        }
        let done = FakeWork::Complete(
            json!({"files": ["Some.Release.2026-GROUP.zip"], "bytes": 104_857_600}),
        );
        for (kind, does) in [
            (COMPLETED, done.clone()),
            (RARE_TYPE, done),
            (FAILED, FakeWork::Fail),
        ] {
            Box::pin(api.process(ids[kind], does)).await;
        }
        for kind in [COMPLETED, RARE_TYPE, FAILED] {
            // The sweeper leaves a final job this way.
            let job = api.job(ids[kind]).await;
            api.store.reschedule_sweep(&job, None).await.unwrap();
        }
        api.claim(ids[DEAD], START).await;
        ids.map(|id| Self::read(&database, id))
    }

    fn read(database: &Database, id: u64) -> Self {
        let request = json!({"TableName": "jobs", "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": format!("JOB#{id}")}}});
        let items = database
            .query(serde_json::from_value(request).unwrap())
            .unwrap()
            .items
            .unwrap();
        let job = items
            .iter()
            .find(|item| item.contains_key("bucket"))
            .unwrap();
        assert_eq!(job["bucket"], number(bucket(id)));
        assert_eq!(job["shard"], number(id % SHARDS));
        Self { id, items }
    }

    /// Copies the job to another id and to that id's time.
    fn copy(&self, id: u64, owner: u64, release: u64) -> impl Iterator<Item = Item> {
        let later = (id >> RANDOM_BITS).cast_signed() - (self.id >> RANDOM_BITS).cast_signed();
        self.items.iter().cloned().map(move |mut item| {
            for (name, value) in &mut item {
                match name.as_str() {
                    "pk" => *value = AttributeValue::S(format!("JOB#{id}")),
                    "id" => *value = number(id),
                    "created_by" => *value = number(owner),
                    "release_id" => *value = number(release),
                    "bucket" => *value = number(bucket(id)),
                    "shard" => *value = number(id % SHARDS),
                    "updated_at" | "started_at" | "finished_at" | "due_at" | "lease_expires_at"
                    | "at" => {
                        shift(value, later);
                    }
                    "expires_at" => shift(value, later / 1_000),
                    _ => {}
                }
            }
            item
        })
    }
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn shift(value: &mut AttributeValue, by: i64) {
    if let AttributeValue::N(text) = value {
        *text = (text.parse::<i64>().unwrap() + by).to_string();
    }
}

pub const fn bucket(id: u64) -> u64 {
    id >> BUCKET_BITS
}

/// Returns the id of job `number` of `size`, which are created at equal intervals.
fn id_of(number: u64, size: u64) -> u64 {
    let age = Duration::from_millis(SPAN_MILLIS * (size - number) / size);
    let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - RANDOM_BITS);
    JobId::floor(START.before(age)) | random
}
