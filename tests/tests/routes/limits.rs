//! Limits on what one user may have: what is refused, what is not, and when there is room again.

use futures::future::join_all;
use serde_json::{Value, json};
use worker::{PRESIGNED_URL_TTL, testing::bucket::Bucket};

use crate::common::{ADMIN, Api, FakeWork, Limits, OWNER, STRANGER};

const MANY: u32 = 1_000;
const ROOMY: (u32, u64) = (MANY, 1 << 40);
const KEY: [(&str, &str); 1] = [("Idempotency-Key", "k-1")];

async fn api(limits: Limits) -> Api {
    Api::with_limits(limits, &Bucket::default()).await
}

async fn create_job(api: &Api, caller: (u64, bool)) -> (u16, Value) {
    let job = api.on_release(caller, json!({"job_type": "nfofix"})).await;
    api.send(caller, "POST", "/api/jobs", Some(job)).await
}

fn assert_reached(answer: &(u16, Value), expected: (u16, &str, u64)) {
    let (status, problem) = answer;
    let (code, urn, limit) = expected;
    let urn = format!("urn:jobs:{urn}");
    assert_eq!(
        (*status, &problem["type"]),
        (code, &json!(urn)),
        "{problem}"
    );
    assert_eq!(problem["limit"], limit, "{problem}");
    assert!(problem["count"].is_u64(), "{problem}");
}

#[tokio::test]
async fn another_open_job_is_refused_until_one_ends() {
    let api = api(Limits::new(2, MANY, MANY, ROOMY)).await;
    let first = create_job(&api, OWNER).await;
    let (_, second) = create_job(&api, OWNER).await;
    let reached = (429, "too-many-open-jobs", 2);
    assert_reached(&create_job(&api, OWNER).await, reached);
    // A running job is open.
    let id = first.1["id"].as_u64().unwrap();
    api.claim(id, api.clock.clock().now()).await;
    assert_reached(&create_job(&api, OWNER).await, reached);
    assert_eq!(create_job(&api, STRANGER).await.0, 202);
    // Drafts are counted by themselves.
    let draft = json!({"job_type": "nfofix", "release_id": second["release_id"], "draft": true});
    let (status, draft) = api.send(OWNER, "POST", "/api/jobs", Some(draft)).await;
    assert_eq!(status, 201);
    let submit = format!("/api/jobs/{}/submit", draft["id"]);
    assert_reached(&api.send(OWNER, "PUT", &submit, None).await, reached);

    let cancel = format!("/api/jobs/{}/cancel", second["id"]);
    assert_eq!(api.send(OWNER, "PUT", &cancel, None).await.0, 200);
    assert_eq!(api.send(OWNER, "PUT", &submit, None).await.0, 202);
    let retry = format!("/api/jobs/{}/retry", second["id"]);
    assert_reached(&api.send(OWNER, "POST", &retry, None).await, reached);
}

#[tokio::test]
async fn another_draft_is_refused_until_one_is_submitted_or_cancelled() {
    let api = api(Limits::new(MANY, 1, MANY, ROOMY)).await;
    let draft = || json!({"draft": true});
    let id = api.create(draft()).await;
    let again = api.send(OWNER, "POST", "/api/jobs", Some(draft())).await;
    assert_reached(&again, (429, "too-many-drafts", 1));
    assert_eq!(create_job(&api, OWNER).await.0, 202);
    let cancel = format!("/api/jobs/{id}/cancel");
    assert_eq!(api.send(OWNER, "PUT", &cancel, None).await.0, 200);
    api.create(draft()).await;
    // The copy of a draft is a draft.
    let retry = format!("/api/jobs/{id}/retry");
    let copy = api.send(OWNER, "POST", &retry, None).await;
    assert_reached(&copy, (429, "too-many-drafts", 1));
}

#[tokio::test]
async fn repeated_request_is_answered_at_the_limit() {
    let api = api(Limits::new(1, MANY, 1, ROOMY)).await;
    let release = json!({"release_type": "ebook"}).to_string();
    let create = |path| {
        let body = release.clone();
        api.send_with(OWNER, "POST", path, Some(body), &KEY)
    };
    let (status, made) = create("/api/releases").await;
    let (again, same) = create("/api/releases").await;
    assert_eq!((status, again, &made), (201, 200, &same));
    let other = json!({"release_type": "comic"});
    let other = api.send(OWNER, "POST", "/api/releases", Some(other)).await;
    assert_reached(&other, (409, "too-many-releases", 1));

    let job = json!({"job_type": "nfofix", "release_id": made["id"]}).to_string();
    let create = |key| api.send_with(OWNER, "POST", "/api/jobs", Some(job.clone()), key);
    let (status, made) = create(&KEY).await;
    let (again, same) = create(&KEY).await;
    assert_eq!((status, again, &made["id"]), (202, 200, &same["id"]));
    let unused = [("Idempotency-Key", "k-2")];
    assert_reached(&create(&unused).await, (429, "too-many-open-jobs", 1));
    assert_reached(&create(&[]).await, (429, "too-many-open-jobs", 1));
    // A retry has keys too.
    let id = made["id"].as_u64().unwrap();
    api.process(id, FakeWork::Fail).await;
    let retry = format!("/api/jobs/{id}/retry");
    let retry = || api.send_with(OWNER, "POST", &retry, None, &unused);
    let ((status, made), (again, same)) = (retry().await, retry().await);
    assert_eq!((status, again, &made["id"]), (202, 200, &same["id"]));
}

#[tokio::test]
async fn admins_are_not_limited() {
    let limits = Limits::new(1, 1, 1, (1, 1));
    let api = api(limits).await;
    for _ in 0..2 {
        assert_eq!(create_job(&api, ADMIN).await.0, 202);
        let draft = Some(json!({"draft": true}));
        assert_eq!(api.send(ADMIN, "POST", "/api/jobs", draft).await.0, 201);
    }
    let release = json!({"release_type": "ebook", "user_id": OWNER.0});
    for _ in 0..2 {
        let created = api.send(ADMIN, "POST", "/api/releases", Some(release.clone()));
        assert_eq!(created.await.0, 201);
    }
    // They count as the owner's.
    let own = json!({"release_type": "ebook"});
    let own = api.send(OWNER, "POST", "/api/releases", Some(own)).await;
    assert_reached(&own, (409, "too-many-releases", 1));
    assert_eq!(own.1["count"], 2);
}

#[tokio::test]
async fn no_number_of_requests_at_once_passes_the_limit_of_releases() {
    let api = api(Limits::new(MANY, MANY, 20, ROOMY)).await;
    let body = || Some(json!({"release_type": "ebook"}));
    let create = || api.send(OWNER, "POST", "/api/releases", body());
    let answers = join_all((0..50).map(|_| create())).await;
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(created, 20);
    for answer in answers.iter().filter(|(status, _)| *status != 201) {
        assert_reached(answer, (409, "too-many-releases", 20));
        assert_eq!(answer.1["count"], 20);
    }
}

/// Signs uploads of files of one release.
struct Uploads<'a> {
    api: &'a Api,
    release: u64,
}

impl Uploads<'_> {
    async fn sign(&self, path: &str, size: usize) -> (u16, Value) {
        let route = format!("/api/releases/{}/files", self.release);
        let body = Some(json!({"path": path, "size": size}));
        self.api.send(OWNER, "POST", &route, body).await
    }

    /// Signs an upload and carries it out.
    async fn put(&self, bucket: &Bucket, path: &str, size: usize) {
        let (status, problem) = self.sign(path, size).await;
        assert_eq!(status, 201, "{problem}");
        let key = format!("releases/{}/source/{path}", self.release);
        bucket.put(&key, vec![0; size]);
    }
}

#[tokio::test]
async fn release_takes_as_many_files_and_bytes_as_its_limits_allow() {
    let bucket = Bucket::default();
    let api = Api::with_limits(Limits::new(MANY, MANY, MANY, (3, 10)), &bucket).await;
    let release = api.create_release().await;
    let uploads = uploads_of(&api, release);
    uploads.put(&bucket, "a", 6).await;
    let too_large = uploads.sign("b", 5).await;
    assert_reached(&too_large, (409, "release-too-large", 10));
    assert_eq!(too_large.1["count"], 6);
    uploads.put(&bucket, "b", 4).await;
    uploads.put(&bucket, "c", 0).await;
    let too_many = uploads.sign("d", 0).await;
    assert_reached(&too_many, (409, "too-many-files", 3));
    // Another release has room of its own.
    let release = api.create_release().await;
    uploads_of(&api, release).put(&bucket, "a", 6).await;
    assert_reached(
        &uploads_of(&api, release).sign("b", 11).await,
        (409, "release-too-large", 10),
    );
}

/// Returns the lifetime of a signed upload, in seconds.
fn lifetime() -> i64 {
    PRESIGNED_URL_TTL.as_secs().try_into().unwrap()
}

const fn uploads_of(api: &Api, release: u64) -> Uploads<'_> {
    Uploads { api, release }
}

#[tokio::test]
async fn uploads_that_never_came_do_not_fill_a_release_for_ever() {
    let bucket = Bucket::default();
    let api = Api::with_limits(Limits::new(MANY, MANY, MANY, (3, 100)), &bucket).await;
    let uploads = uploads_of(&api, api.create_release().await);
    // The same file three times, so the count says three and the bucket one.
    for _ in 0..3 {
        uploads.put(&bucket, "a", 10).await;
    }
    uploads.put(&bucket, "b", 10).await;
    uploads.put(&bucket, "b", 10).await;
    // Within the lifetime of a signed upload, nothing is counted again.
    let reached = uploads.sign("c", 10).await;
    assert_reached(&reached, (409, "too-many-files", 3));
    api.clock.advance(lifetime());
    uploads.put(&bucket, "c", 10).await;
    // Three files are stored: a fourth has no room, a new version of the third has.
    api.clock.advance(lifetime());
    assert_reached(&uploads.sign("d", 1).await, (409, "too-many-files", 3));
    api.clock.advance(lifetime());
    uploads.put(&bucket, "c", 20).await;
}

#[tokio::test]
async fn refused_upload_tells_when_the_files_are_counted_again() {
    let bucket = Bucket::default();
    let api = Api::with_limits(Limits::new(MANY, MANY, MANY, (1, 100)), &bucket).await;
    let release = api.create_release().await;
    uploads_of(&api, release).put(&bucket, "a", 1).await;
    let path = format!("/api/releases/{release}/files");
    let wait = async || {
        let body = json!({"path": "b", "size": 1}).to_string();
        let request = Api::request(OWNER, "POST", &path, Some(body), &[]);
        let answer = api.answer(request).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        answer.headers["retry-after"].parse::<u64>().unwrap()
    };
    assert_eq!(wait().await, PRESIGNED_URL_TTL.as_secs());
    api.clock.advance(60);
    assert_eq!(wait().await, PRESIGNED_URL_TTL.as_secs() - 60);
}

#[tokio::test]
async fn signatures_at_once_do_not_pass_the_limit_of_files() {
    let bucket = Bucket::default();
    let api = Api::with_limits(Limits::new(MANY, MANY, MANY, (20, 1 << 40)), &bucket).await;
    let uploads = uploads_of(&api, api.create_release().await);
    // None arrives while they are signed, so the bucket is found empty once.
    let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let answers = join_all(names.iter().map(|name| uploads.sign(name, 1))).await;
    let signed = answers.iter().filter(|(status, _)| *status == 201).count();
    assert!((20..=40).contains(&signed), "{signed}");
}
