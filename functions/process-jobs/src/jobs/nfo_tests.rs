//! `nfofix` and `readnfo`, from the queue's message to the release, over a bucket in memory.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use shared::{
    job::{
        Job, JobId,
        JobType::{self, Nfofix, Packaging, Readnfo},
        NewJob, ReleaseId, UserId,
    },
    release::{Release, output_prefix},
    service::{JobService, Processed},
    store::{NewRelease, Store},
    testing::{ManualClock, START, store},
    time::Time,
};

use crate::{jobs::Worker, testing::Bucket};

const RETENTION: Duration = Duration::from_hours(24);
const NAME: &str = "Jane.Doe-A.Book-2024-GRP";

/// A release, its files, and the processor.
struct World {
    bucket: Bucket,
    store: Store,
    release: ReleaseId,
    service: JobService,
    worker: Arc<Worker>,
    next_job: u64,
}

impl World {
    async fn new(metadata: Value) -> Self {
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
        let worker = Arc::new(Worker::new(store.clone(), bucket.files()));
        let service = JobService::new(store.clone(), clock.clock());
        Self { bucket, store, release, service, worker, next_job: 100 }
    }

    fn source(&self, path: &str, bytes: &[u8]) {
        self.bucket.put(&format!("releases/42/source/{path}"), bytes);
    }

    /// Processes a new job to its end.
    async fn run(&mut self, job_type: JobType, config: Value) -> (Job, Value) {
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
    async fn code(&mut self, job_type: JobType, config: Value) -> String {
        let (job, result) = self.run(job_type, config).await;
        job.error.unwrap_or_else(|| panic!("{result}")).code
    }

    async fn release(&self) -> Release {
        self.store.release(self.release).await.unwrap().unwrap()
    }

    /// The folder of the current package.
    async fn package(&self) -> String {
        let package = self.release().await.package.unwrap();
        output_prefix(self.release, package.job_id, package.fence)
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        self.bucket.below(prefix).into_keys().collect()
    }

    fn text(&self, key: &str) -> String {
        String::from_utf8(self.bucket.state().objects[key].clone()).unwrap()
    }
}

/// A packaged release whose NFO has a tab, and a placeholder of another system's.
async fn packaged() -> World {
    let mut world = World::new(json!({"title": "A Book", "authors": ["Jane Doe"]})).await;
    world.source("a book é.epub", b"content");
    let template = "Title\t: {{ title }}\nAuthor : %AUTHOR%\nYear : 2024\n\nFiles\n{% for file in files %}{{ file.path }} {{ file.crc32 }}\n{% endfor %}";
    let (job, _) = world.run(Packaging, json!({"release_name": NAME, "template": template})).await;
    assert!(job.error.is_none(), "{:?}", job.error);
    world
}

#[tokio::test]
async fn nfofix_makes_a_new_version_of_the_package() {
    let mut world = packaged().await;
    let before = world.package().await;
    let (job, result) = world.run(Nfofix, json!({})).await;
    assert!(job.error.is_none(), "{:?}", job.error);
    assert_eq!((&result["changed"], &result["file"]), (&json!(true), &json!(format!("{NAME}.nfo"))));
    let whats: Vec<_> =
        result["changes"].as_array().unwrap().iter().map(|change| (&change["line"], &change["what"])).collect();
    assert_eq!(whats, [(&json!(1), &json!("tabs")), (&json!(2), &json!("placeholder"))]);

    let after = world.package().await;
    assert_ne!(after, before);
    assert_eq!(world.release().await.package.unwrap().version, 2);
    assert_eq!(world.names(&after), world.names(&before));
    let nfo = world.text(&format!("{after}{NAME}.nfo"));
    assert!(nfo.starts_with("Title   : A Book\r\nAuthor : Jane Doe\r\n"), "{nfo}");
    assert_eq!(result["text"], json!(nfo));
    for name in [format!("{NAME}.zip"), "FILE_ID.DIZ".to_owned()] {
        assert_eq!(world.bucket.below(&after)[&name], world.bucket.below(&before)[&name]);
    }
    let crc32 = format!("{:08X}", crc32fast::hash(nfo.as_bytes()));
    let sfv = world.text(&format!("{after}{NAME}.sfv"));
    assert!(sfv.contains(&format!("{NAME}.nfo {crc32}\r\n")) && sfv.lines().count() == 3, "{sfv}");

    let (_, again) = world.run(Nfofix, json!({})).await;
    assert_eq!((&again["changed"], &again["changes"], &again["text"]), (&json!(false), &json!([]), &json!(nfo)));
    assert_eq!(world.package().await, after);
}

#[tokio::test]
async fn a_dry_run_only_tells() {
    let mut world = packaged().await;
    let (before, names) = (world.package().await, world.names(""));
    let (_, result) = world.run(Nfofix, json!({"dry_run": true})).await;
    assert_eq!((&result["changed"], result["changes"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!((world.package().await, world.names("")), (before, names));
}

#[tokio::test]
async fn an_nfo_among_the_source_files_is_repaired_in_the_result_only() {
    let mut world = World::new(json!({"title": "L'été"})).await;
    world.source("docs/Book.NFO", b"\xC9\xCD\xCD\xCD\xBB\r\nTitre : %TITRE% \x82\r\n");
    let names = world.names("");
    let (_, result) = world.run(Nfofix, json!({})).await;
    assert_eq!((&result["encoding"], &result["file"]), (&json!("cp437"), &json!("docs/Book.NFO")));
    assert_eq!(result["text"], "╔═══╗\r\nTitre : L'été é\r\n");
    assert_eq!(world.names(""), names);
    assert!(world.release().await.package.is_none());
}

#[tokio::test]
async fn an_nfo_that_is_missing_or_not_the_only_one_fails_with_its_code() {
    let mut world = World::new(json!({})).await;
    for job_type in [Nfofix, Readnfo] {
        assert_eq!(world.code(job_type, json!({})).await, "nfo_missing");
    }
    world.source("a.nfo", b"a\r\n");
    world.source("b.nfo", b"b\r\n");
    for job_type in [Nfofix, Readnfo] {
        assert_eq!(world.code(job_type, json!({})).await, "nfo_ambiguous");
    }
}

#[tokio::test]
async fn an_nfo_that_is_too_large_fails_with_its_code() {
    let mut world = World::new(json!({})).await;
    for bytes in [vec![b'x'; 256 * 1024 + 1], b"\"\\\"".repeat(70_000)] {
        world.source("a.nfo", &bytes);
        assert_eq!(world.code(Nfofix, json!({})).await, "nfo_too_large");
    }
}

#[tokio::test]
async fn an_sfv_that_cannot_be_read_leaves_no_half_package() {
    let mut world = packaged().await;
    let before = world.package().await;
    world.bucket.put(&format!("{before}{NAME}.sfv"), "no checksum");
    let names = world.names("");
    assert_eq!(world.code(Nfofix, json!({})).await, "sfv_invalid");
    assert_eq!((world.package().await, world.names("")), (before, names));
}

#[tokio::test]
async fn readnfo_compares_the_package_with_what_its_nfo_lists() {
    let mut world = packaged().await;
    let (_, result) = world.run(Readnfo, json!({})).await;
    assert_eq!(result["metadata"]["title"], "A Book");
    assert_eq!((&result["missing_files"], &result["unexpected_files"]), (&json!([]), &json!([])));
    let package = world.package().await;
    world.bucket.put(&format!("{package}extra.jpg"), [1]);
    let text = world.text(&format!("{package}{NAME}.nfo")) + "gone.zip 00000000\r\n";
    world.bucket.put(&format!("{package}{NAME}.nfo"), text);
    let (_, result) = world.run(Readnfo, json!({})).await;
    assert_eq!((&result["missing_files"], &result["unexpected_files"]), (&json!(["gone.zip"]), &json!(["extra.jpg"])));
    assert_eq!(world.release().await.metadata["title"], "A Book");
}

#[tokio::test]
async fn readnfo_writes_to_the_release_what_it_read_when_asked_to() {
    let mut world = World::new(json!({"title": "Old", "pages": 12})).await;
    world.source("a.nfo", "Titre : Le Phare\r\nAuteur : Ada Exemple\r\nAnnée : 2019\r\n".as_bytes());
    let (_, result) = world.run(Readnfo, json!({})).await;
    assert_eq!((&result["applied"], world.release().await.metadata["title"].as_str()), (&json!(false), Some("Old")));
    let (_, result) = world.run(Readnfo, json!({"apply": true})).await;
    assert_eq!(result["applied"], true);
    let metadata = json!({"title": "Le Phare", "authors": ["Ada Exemple"], "year": 2019, "pages": 12});
    assert_eq!(Value::Object(world.release().await.metadata), metadata);
}
