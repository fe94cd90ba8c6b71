//! Submitting jobs: idempotency keys, retries, invalid requests.

use jobs::{JobType, NewJob, ReleaseId};
use serde_json::{Map, Value, json};
use store::CreateOutcome;
use worker::{
    Submissions,
    testing::{broken_queue, queue},
};

use crate::{
    common::{ADMIN, Api, FakeWork, OWNER, RETENTION, STRANGER, job_id, user_id},
    fields, ids,
};

#[tokio::test]
async fn idempotency_key_creates_one_job() {
    let api = Api::new().await;
    let key = [("Idempotency-Key", "k-1")];
    let release = api.create_release().await;
    let send = |job_type| {
        let body = json!({"job_type": job_type, "release_id": release});
        api.send_with(OWNER, "POST", "/api/jobs", Some(body.to_string()), &key)
    };
    let (first, job) = send("nfofix").await;
    let (second, same) = send("nfofix").await;
    assert_eq!((first, second, &job["id"]), (202, 200, &same["id"]));
    assert_eq!(send("dirfix").await.0, 409);
    let other = api
        .on_release(STRANGER, json!({"job_type": "nfofix"}))
        .await;
    let other = Some(other.to_string());
    let (status, _) = api
        .send_with(STRANGER, "POST", "/api/jobs", other, &key)
        .await;
    assert_eq!(status, 202);
    api.clock.advance(25 * 60 * 60);
    assert_eq!(send("dirfix").await.0, 202);
}

#[tokio::test]
async fn idempotency_key_of_a_job_cannot_retry_another() {
    let api = Api::new().await;
    let key = [("Idempotency-Key", "k-1")];
    let body = api.on_release(OWNER, json!({"job_type": "nfofix"})).await;
    let (_, first) = api
        .send_with(OWNER, "POST", "/api/jobs", Some(body.to_string()), &key)
        .await;
    let second = api.create(body).await;
    for id in [first["id"].as_u64().unwrap(), second] {
        api.process(id, FakeWork::Fail).await;
        let (status, problem) = api
            .send_with(OWNER, "POST", &format!("/api/jobs/{id}/retry"), None, &key)
            .await;
        assert_eq!(
            (status, &problem["type"]),
            (409, &json!("urn:jobs:idempotency-key-reused")),
            "{problem}"
        );
    }
    let key = [("Idempotency-Key", "k-2")];
    let retry = format!("/api/jobs/{second}/retry");
    let (status, made) = api.send_with(OWNER, "POST", &retry, None, &key).await;
    let (_, again) = api.send_with(OWNER, "POST", &retry, None, &key).await;
    assert_eq!(
        (status, &made["retry_of"], &again["id"]),
        (202, &json!(second), &made["id"])
    );
}

#[tokio::test]
async fn retry_creates_a_new_job() {
    let api = Api::new().await;
    let id = api
        .create(json!({"job_type": "packaging", "config_json": {"compression": "store"}}))
        .await;
    let path = format!("/api/jobs/{id}/retry");
    assert_eq!(api.send(OWNER, "POST", &path, None).await.0, 409);
    api.process(id, FakeWork::Fail).await;
    assert_eq!(api.send(STRANGER, "POST", &path, None).await.0, 403);
    let (status, job) = api.send(OWNER, "POST", &path, None).await;
    assert_eq!(
        (status, &job["retry_of"], &job["status"]),
        (202, &json!(id), &json!("pending"))
    );
    assert_eq!(job["config_json"]["compression"], "store");
}

#[tokio::test]
async fn retry_may_change_the_configuration_and_is_linked_to_the_old_job() {
    let api = Api::new().await;
    let config = json!({"compression": "store", "group": "GRP"});
    let id = api
        .create(json!({"job_type": "packaging", "config_json": config}))
        .await;
    api.process(id, FakeWork::Fail).await;
    let retry = async |body: Value| {
        let path = format!("/api/jobs/{id}/retry");
        api.send(OWNER, "POST", &path, Some(body)).await
    };
    let (_, problem) = retry(json!({"config_json": {"compression": "best"}, "typo": 1})).await;
    assert_eq!(fields(&problem), ["typo"]);
    let (_, problem) = retry(json!({"config_json": {"compression": "best"}})).await;
    assert_eq!(fields(&problem), ["config_json.compression"]);
    let (status, job) = retry(json!({"config_json": {"compression": null}})).await;
    assert_eq!(
        (status, &job["config_json"]),
        (202, &json!({"group": "GRP"}))
    );
    let (_, old) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(old["retried_by"], job["id"]);
}

#[tokio::test]
async fn retry_that_cannot_be_queued_leaves_no_trace() {
    let api = Api::with_queue(broken_queue()).await;
    let draft = api.create(json!({"draft": true})).await;
    let release = api.create_release().await;
    let change = json!({"job_type": "nfofix", "release_id": release});
    let path = format!("/api/jobs/{draft}");
    api.send(OWNER, "PATCH", &path, Some(change)).await;
    api.send(OWNER, "PUT", &format!("{path}/cancel"), None)
        .await;
    let (status, _) = api
        .send(OWNER, "POST", &format!("{path}/retry"), None)
        .await;
    assert_eq!(status, 503);
    assert_eq!(api.get(OWNER, &path).await.1["retried_by"], json!(null));
}

fn new_job(release: u64, retry_of: Option<u64>) -> NewJob {
    NewJob {
        created_by: user_id(OWNER),
        release_id: ReleaseId::try_from(release).ok(),
        job_type: Some(JobType::Nfofix),
        config: Map::new(),
        draft: false,
        by_admin: false,
        retry_of: retry_of.map(job_id),
        earlier_retry: None,
    }
}

#[tokio::test]
async fn withdrawn_retry_leaves_the_earlier_one_in_place() {
    let api = Api::new().await;
    let old = api.create(json!({"job_type": "nfofix"})).await;
    api.process(old, FakeWork::Fail).await;
    let path = format!("/api/jobs/{old}/retry");
    let (_, first) = api.send(OWNER, "POST", &path, None).await;
    let second = NewJob {
        earlier_retry: Some(job_id(first["id"].as_u64().unwrap())),
        ..new_job(api.create_release().await, Some(old))
    };
    let (id, now) = (job_id(5), api.clock.clock().now());
    let created = api
        .store
        .create_job(id, &second, None, now, RETENTION)
        .await;
    assert!(matches!(created, Ok(Some(CreateOutcome::Created(_)))));
    assert_eq!(api.job(old).await.retried_by, Some(id));
    assert!(api.store.withdraw_job(id, &second, None).await.unwrap());
    assert_eq!(api.job(old).await.retried_by, second.earlier_retry);
}

#[tokio::test]
async fn message_does_not_join_a_job_that_is_being_withdrawn() {
    let api = Api::new().await;
    let job = new_job(api.create_release().await, None);
    let submissions = Submissions::new(api.store.clone(), queue(), api.clock.clock(), RETENTION);
    let created = submissions.create(&job, Some("k")).await;
    let Ok(CreateOutcome::Created(created)) = created else {
        panic!("{created:?}")
    };
    // Between the two, a withdrawal has deleted the job.
    assert!(
        api.store
            .withdraw_job(created.id, &job, None)
            .await
            .unwrap()
    );
    let joined = submissions.create_delivered(&job, "k").await;
    assert!(joined.is_err_and(|error| error.is_unavailable()));
}

#[tokio::test]
async fn keys_are_one_space_for_requests_and_messages() {
    let api = Api::new().await;
    let release = api.create_release().await;
    let (clock, store) = (api.clock.clock(), api.store.clone());
    let submissions = Submissions::new(store, queue(), clock, RETENTION);
    let job = new_job(release, None);
    let message = async |key: &str| submissions.create_delivered(&job, key).await.unwrap();
    let request = async |key: &str, job_type: &str| {
        let body = json!({"job_type": job_type, "release_id": release}).to_string();
        let key = [("Idempotency-Key", key)];
        api.send_with(OWNER, "POST", "/api/jobs", Some(body), &key)
            .await
    };
    let CreateOutcome::Created(first) = message("K").await else {
        panic!("the key is new")
    };
    let (status, same) = request("K", "nfofix").await;
    assert_eq!((status, &same["id"]), (200, &json!(first.id)));
    assert_eq!(request("K", "dirfix").await.0, 409);
    // No prefix leads to the key of a message, or of a request.
    assert_eq!(request("queue:K", "nfofix").await.0, 202);
    let repeated = message("queue:K").await;
    assert!(matches!(repeated, CreateOutcome::Existing(id) if id != first.id));
    assert_eq!(request("R", "dirfix").await.0, 202);
    assert!(matches!(message("R").await, CreateOutcome::KeyReused));
}

#[tokio::test]
async fn key_that_is_not_printable_ascii_is_refused() {
    let api = Api::new().await;
    let body = api.on_release(OWNER, json!({"job_type": "nfofix"})).await;
    for key in ["", "a\tb", "\u{e9}"] {
        let header = [("Idempotency-Key", key)];
        let sent = api.send_with(OWNER, "POST", "/api/jobs", Some(body.to_string()), &header);
        let (status, problem) = sent.await;
        let field = &problem["errors"][0]["field"];
        assert_eq!((status, field), (400, &json!("Idempotency-Key")), "{key:?}");
    }
}

#[tokio::test]
async fn job_on_another_users_release_is_not_retried() {
    let api = Api::new().await;
    let body = api.on_release(OWNER, json!({"job_type": "nfofix"})).await;
    let (_, job) = api.send(ADMIN, "POST", "/api/jobs", Some(body)).await;
    let id = job["id"].as_u64().unwrap();
    api.process(id, FakeWork::Fail).await;
    let no_longer_admin = (ADMIN.0, false);
    let path = format!("/api/jobs/{id}/retry");
    let (status, problem) = api.send(no_longer_admin, "POST", &path, None).await;
    assert_eq!(
        (status, &problem["type"]),
        (403, &json!("urn:jobs:forbidden"))
    );
}

#[tokio::test]
async fn job_is_found_by_its_key() {
    let api = Api::new().await;
    let body = api.on_release(OWNER, json!({"job_type": "nfofix"})).await;
    let key = [("Idempotency-Key", "my key")];
    let (_, job) = api
        .send_with(OWNER, "POST", "/api/jobs", Some(body.to_string()), &key)
        .await;
    let found = async |caller, query: &str| {
        let (status, page) = api.get(caller, &format!("/api/jobs?{query}")).await;
        assert_eq!((status, &page["next_cursor"]), (200, &json!(null)));
        ids(&page)
    };
    let id = job["id"].as_u64().unwrap();
    assert_eq!(found(OWNER, "idempotency_key=my%20key").await, [id]);
    assert_eq!(
        found(ADMIN, "idempotency_key=my%20key&user_id=7").await,
        [id]
    );
    let none: [u64; 0] = [];
    assert_eq!(found(OWNER, "idempotency_key=other").await, none);
    assert_eq!(found(STRANGER, "idempotency_key=my%20key").await, none);
    assert_eq!(found(ADMIN, "idempotency_key=my%20key").await, none);
    let path = "/api/jobs?idempotency_key=my%20key";
    assert_eq!(api.get(STRANGER, &format!("{path}&user_id=7")).await.0, 403);
    let (_, problem) = api.get(OWNER, &format!("{path}&status=failed")).await;
    assert_eq!(fields(&problem), ["status"]);
    api.clock.advance(25 * 60 * 60);
    assert_eq!(found(OWNER, "idempotency_key=my%20key").await, none);
}

#[tokio::test]
async fn idempotency_key_creates_one_release() {
    let api = Api::new().await;
    let key = [("Idempotency-Key", "k-1")];
    let send =
        |body: Value| api.send_with(ADMIN, "POST", "/api/releases", Some(body.to_string()), &key);
    for body in [
        json!({"release_type": "EBOOK"}),
        json!({"release_type": "ebook", "id": 4242}),
    ] {
        let (first, release) = send(body.clone()).await;
        let (second, same) = send(body).await;
        assert_eq!((first, second), (201, 200), "{release} {same}");
        assert_eq!(release, same);
        assert_eq!(send(json!({"release_type": "comic"})).await.0, 409);
        api.clock.advance(25 * 60 * 60);
    }
    // Jobs have keys of their own.
    let job = api.on_release(ADMIN, json!({"job_type": "nfofix"})).await;
    let (status, _) = api
        .send_with(ADMIN, "POST", "/api/jobs", Some(job.to_string()), &key)
        .await;
    assert_eq!(status, 202);
}

#[tokio::test]
async fn invalid_body_is_rejected_with_its_fields() {
    let api = Api::new().await;
    let post = |body: String| api.send_with(OWNER, "POST", "/api/jobs", Some(body), &[]);
    for body in ["", "not json", "[]", "7"] {
        assert_eq!(post(body.to_owned()).await.0, 400, "{body:?}");
    }
    let with_config = |job_type, config: Value| json!({"job_type": job_type, "release_id": 5, "config_json": config});
    let unknown_option = with_config("nfofix", json!({"dryrun": true}));
    let small_volume = with_config("packaging", json!({"volume_size": 1}));
    let broken_template = with_config("packaging", json!({"template": "{% if %}"}));
    for (body, field) in [
        (json!({}), "job_type"),
        (json!({"job_type": "juggling"}), "job_type"),
        (json!({"job_type": "nfofix"}), "release_id"),
        (json!({"job_type": 7}), "job_type"),
        (
            json!({"job_type": "nfofix", "release_id": -1}),
            "release_id",
        ),
        (
            json!({"job_type": "nfofix", "release_id": 5, "prioritty": 1}),
            "prioritty",
        ),
        (unknown_option, "config_json.dryrun"),
        (small_volume, "config_json.volume_size"),
        (broken_template, "config_json.template"),
    ] {
        let (status, problem) = post(body.to_string()).await;
        assert_eq!((status, fields(&problem)), (400, vec![field]), "{body}");
    }
    let long_type = json!({"job_type": "x".repeat(300_000)});
    let large_config = json!({"draft": true, "config_json": {"x": "x".repeat(70_000)}});
    let large_and_invalid = json!({"typo": 1, "config_json": {"x": "x".repeat(70_000)}});
    for body in [long_type, large_config, large_and_invalid] {
        assert_eq!(post(body.to_string()).await.0, 413);
    }
}

#[tokio::test]
async fn invalid_parameters_of_a_list_are_rejected_by_name() {
    let api = Api::new().await;
    let query = "state=failed&limit=0&status=done&cursor=!";
    let (status, problem) = api.get(OWNER, &format!("/api/jobs?{query}")).await;
    let expected = vec!["status", "limit", "state"];
    assert_eq!((status, fields(&problem)), (400, expected));
    assert_eq!(api.get(OWNER, "/api/jobs?cursor=bad").await.0, 400);
    let (_, page) = api.get(OWNER, "/api/jobs?limit=1").await;
    assert_eq!(page["next_cursor"], json!(null));
}

#[tokio::test]
async fn job_that_cannot_be_queued_is_not_created() {
    let api = Api::with_queue(broken_queue()).await;
    let job = Some(api.on_release(OWNER, json!({"job_type": "nfofix"})).await);
    assert_eq!(api.send(OWNER, "POST", "/api/jobs", job).await.0, 503);
    let (_, page) = api.get(OWNER, "/api/jobs").await;
    assert_eq!(ids(&page), [0_u64; 0]);
}

#[tokio::test]
async fn job_carries_that_an_admin_created_or_submitted_it() {
    let api = Api::new().await;
    let body = api.on_release(OWNER, json!({"job_type": "nfofix"})).await;
    let send = async |caller, method, path: &str, body| {
        let (status, job) = api.send(caller, method, path, body).await;
        assert!(status < 300, "{job}");
        job["id"].as_u64().unwrap()
    };
    let create = async |caller, body| send(caller, "POST", "/api/jobs", Some(body)).await;
    for caller in [OWNER, ADMIN] {
        let id = create(caller, body.clone()).await;
        assert_eq!(api.job(id).await.by_admin, caller.1);
        // A retry counts as whose it is.
        api.process(id, FakeWork::Fail).await;
        let retry = format!("/api/jobs/{id}/retry");
        let id = send(ADMIN, "POST", &retry, None).await;
        assert!(api.job(id).await.by_admin);

        let mut draft = body.clone();
        draft["draft"] = json!(true);
        let id = create(OWNER, draft).await;
        send(caller, "PUT", &format!("/api/jobs/{id}/submit"), None).await;
        assert_eq!(api.job(id).await.by_admin, caller.1);
    }
}
