//! Submitting jobs: idempotency keys, retries, invalid requests.

use serde_json::{Value, json};
use worker::testing::broken_queue;

use crate::{
    common::{Api, FakeWork, OWNER, STRANGER},
    fields, ids,
};

#[tokio::test]
async fn idempotency_key_creates_one_job() {
    let api = Api::new().await;
    let key = [("Idempotency-Key", "k-1")];
    let send =
        |body: Value| api.send_with(OWNER, "POST", "/api/jobs", Some(body.to_string()), &key);
    let (first, job) = send(json!({"job_type": "nfofix"})).await;
    let (second, same) = send(json!({"job_type": "nfofix"})).await;
    assert_eq!((first, second, &job["id"]), (202, 200, &same["id"]));
    assert_eq!(send(json!({"job_type": "dirfix"})).await.0, 409);
    let other = Some(json!({"job_type": "nfofix"}).to_string());
    assert_eq!(
        api.send_with(STRANGER, "POST", "/api/jobs", other, &key)
            .await
            .0,
        202
    );
    api.clock.advance(25 * 60 * 60);
    assert_eq!(send(json!({"job_type": "dirfix"})).await.0, 202);
}

#[tokio::test]
async fn idempotency_key_of_a_job_cannot_retry_another() {
    let api = Api::new().await;
    let key = [("Idempotency-Key", "k-1")];
    let body = json!({"job_type": "nfofix"});
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
async fn invalid_body_is_rejected_with_its_fields() {
    let api = Api::new().await;
    let post = |body: String| api.send_with(OWNER, "POST", "/api/jobs", Some(body), &[]);
    for body in ["", "not json", "[]", "7"] {
        assert_eq!(post(body.to_owned()).await.0, 400, "{body:?}");
    }
    let unknown_option = json!({"job_type": "nfofix", "config_json": {"dryrun": true}});
    let small_volume = json!({"job_type": "packaging", "config_json": {"volume_size": 1}});
    for (body, field) in [
        (json!({}), "job_type"),
        (json!({"job_type": "juggling"}), "job_type"),
        (json!({"job_type": 7}), "job_type"),
        (
            json!({"job_type": "nfofix", "release_id": -1}),
            "release_id",
        ),
        (json!({"job_type": "nfofix", "prioritty": 1}), "prioritty"),
        (unknown_option, "config_json.dryrun"),
        (small_volume, "config_json.volume_size"),
    ] {
        let (status, problem) = post(body.to_string()).await;
        assert_eq!((status, fields(&problem)), (400, vec![field]), "{body}");
    }
    let long_type = json!({"job_type": "x".repeat(300_000)});
    let large_config = json!({"draft": true, "config_json": {"x": "x".repeat(70_000)}});
    for body in [long_type, large_config] {
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
    let job = Some(json!({"job_type": "nfofix"}));
    assert_eq!(api.send(OWNER, "POST", "/api/jobs", job).await.0, 503);
    let (_, page) = api.get(OWNER, "/api/jobs").await;
    assert_eq!(ids(&page), [0_u64; 0]);
}
