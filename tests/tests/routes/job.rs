//! One job: details, status, log, cancel.

use serde_json::json;

use crate::{
    common::{ADMIN, Api, FakeWork, OWNER, STRANGER},
    fields,
};

#[tokio::test]
async fn test_get_job() {
    let api = Api::new().await;
    let config = json!({"compression": "high"});
    let id = api
        .create(json!({"job_type": "packaging", "config_json": config}))
        .await;
    for caller in [OWNER, ADMIN] {
        let (status, job) = api.get(caller, &format!("/api/jobs/{id}")).await;
        assert_eq!(status, 200);
        assert_eq!(
            (&job["config_json"], job["created_by"].as_u64()),
            (&config, Some(7))
        );
        assert_eq!(
            (&job["logs"], &job["logs_truncated"]),
            (&json!(""), &json!(false))
        );
    }
    assert_eq!(api.get(STRANGER, &format!("/api/jobs/{id}")).await.0, 403);
}

#[tokio::test]
async fn test_get_job_not_found() {
    let api = Api::new().await;
    for id in ["5", "0", "-1", "abc", "9007199254740992", "1.5"] {
        for path in [
            format!("/api/jobs/{id}"),
            format!("/api/jobs/{id}/status"),
            format!("/api/jobs/{id}/logs"),
        ] {
            let (status, problem) = api.get(OWNER, &path).await;
            let expected = (404, &json!("urn:jobs:job-not-found"));
            assert_eq!((status, &problem["type"]), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn test_get_job_logs() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let path = format!("/api/jobs/{id}/logs");
    assert_eq!(api.get(OWNER, &path).await.1["finished"], false);
    api.process(id, FakeWork::Fail).await;

    let (mut after, mut messages) = ("0".to_owned(), Vec::new());
    loop {
        let page = format!("{path}?limit=1&after={after}");
        let (status, page) = api.get(OWNER, &page).await;
        assert_eq!(status, 200);
        let lines = page["logs"].as_array().unwrap().iter();
        messages.extend(lines.map(|line| line["message"].clone()));
        page["next_cursor"].as_str().unwrap().clone_into(&mut after);
        if page["finished"] == true {
            break;
        }
    }
    assert_eq!(
        messages[1..],
        ["Compressed 3 of 5 files", "There is no source file"]
    );

    let (_, errors) = api.get(OWNER, &format!("{path}?level=error")).await;
    assert_eq!(errors["logs"].as_array().unwrap().len(), 1);
    let as_text = [("accept", "text/plain")];
    let (_, text) = api.send_with(OWNER, "GET", &path, None, &as_text).await;
    assert_eq!(text.as_str().unwrap().lines().count(), 3);
    assert_eq!(api.get(STRANGER, &path).await.0, 403);
    let invalid = format!("{path}?after=x&limit=1001&level=loud");
    let (_, problem) = api.get(OWNER, &invalid).await;
    assert_eq!(fields(&problem), ["after", "level", "limit"]);
}

#[tokio::test]
async fn test_get_job_status() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let path = format!("/api/jobs/{id}/status");
    for caller in [OWNER, ADMIN] {
        let (status, view) = api.get(caller, &path).await;
        let found = (status, &view["job_id"], &view["status"]);
        assert_eq!(found, (200, &json!(id), &json!("pending")));
        assert_eq!(view["progress"], 0);
    }
    assert_eq!(api.get(STRANGER, &path).await.0, 403);
}

#[tokio::test]
async fn test_cancel_job() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let path = format!("/api/jobs/{id}/cancel");
    for _ in 0..2 {
        let (status, view) = api.send(OWNER, "PUT", &path, None).await;
        assert_eq!((status, &view["status"]), (200, &json!("cancelled")));
    }
    let done = api.create(json!({"job_type": "packaging"})).await;
    api.process(done, FakeWork::Complete(json!({}))).await;
    let (status, problem) = api
        .send(OWNER, "PUT", &format!("/api/jobs/{done}/cancel"), None)
        .await;
    assert_eq!((status, &problem["job_status"]), (409, &json!("completed")));
    assert_eq!(
        api.send(OWNER, "PUT", "/api/jobs/5/cancel", None).await.0,
        404
    );
}

#[tokio::test]
async fn test_cancel_job_permission_denied() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let path = format!("/api/jobs/{id}/cancel");
    assert_eq!(api.send(STRANGER, "PUT", &path, None).await.0, 403);
    assert_eq!(
        api.get(OWNER, &format!("/api/jobs/{id}/status")).await.1["status"],
        "pending"
    );
    assert_eq!(api.send(ADMIN, "PUT", &path, None).await.0, 200);
}
