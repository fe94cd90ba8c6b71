//! The wizard: drafts and the routes below `/api/wizard`.

use std::time::Duration;

use jobs::Time;
use serde_json::json;
use worker::PRESIGNED_URL_TTL;

use crate::{
    common::{Api, FakeWork, OWNER, STRANGER},
    fields,
};

#[tokio::test]
async fn test_wizard_job_status() {
    let api = Api::new().await;
    let id = api.create(json!({"draft": true})).await;
    let (status, view) = api
        .get(OWNER, &format!("/api/wizard/jobs/{id}/status"))
        .await;
    assert_eq!((status, &view["status"]), (200, &json!("draft")));
    assert_eq!(
        api.get(STRANGER, &format!("/api/wizard/jobs/{id}/status"))
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn test_wizard_job_logs() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    api.process(id, FakeWork::Fail).await;
    let (status, page) = api.get(OWNER, &format!("/api/wizard/jobs/{id}/logs")).await;
    assert_eq!((status, page["logs"].as_array().unwrap().len()), (200, 3));
}

#[tokio::test]
async fn test_wizard_job_analysis() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    let path = format!("/api/wizard/jobs/{id}/analysis");
    let (status, problem) = api.get(OWNER, &path).await;
    assert_eq!((status, &problem["job_status"]), (409, &json!("pending")));
    // A result that is stored outside the job's item because of its size.
    let found = json!({"metadata": {"title": "t".repeat(3_000)}, "mediainfo": {"format": "epub"}, "structure": {}});
    api.process(id, FakeWork::Complete(found.clone())).await;
    let (status, view) = api.get(OWNER, &path).await;
    assert_eq!(
        (status, &view["metadata"], &view["job_id"]),
        (200, &found["metadata"], &json!(id))
    );
    assert_eq!(api.get(STRANGER, &path).await.0, 403);
    let other = api.create(json!({"job_type": "nfofix"})).await;
    assert_eq!(
        api.get(OWNER, &format!("/api/wizard/jobs/{other}/analysis"))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn thumbnail_of_a_cover_has_a_presigned_url_in_the_analysis_only() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "analysis"})).await;
    let thumbnail = json!({"width": 300, "height": 400, "size": 20_000});
    let cover = json!({"path": "OEBPS/cover.png", "thumbnail": thumbnail});
    api.process(id, FakeWork::Complete(json!({"cover": cover})))
        .await;
    let (status, view) = api
        .get(OWNER, &format!("/api/wizard/jobs/{id}/analysis"))
        .await;
    assert_eq!(status, 200, "{view}");
    let signed = &view["cover"]["thumbnail"];
    assert_eq!(
        (&signed["width"], &signed["size"]),
        (&json!(300), &json!(20_000))
    );
    let url = signed["url"].as_str().unwrap();
    let job = api.job(id).await;
    let key = format!(
        "/releases/{}/jobs/{id}/1/cover.jpg?",
        job.release_id.unwrap()
    );
    for part in [
        &key,
        "response-content-type=image%2Fjpeg",
        "X-Amz-Expires=900",
    ] {
        assert!(url.contains(part), "{url}");
    }
    let expires_at: Time = signed["expires_at"].as_str().unwrap().parse().unwrap();
    // The clock of the tests moves with each look at it.
    let latest = api.clock.clock().now().after(PRESIGNED_URL_TTL);
    assert!(expires_at <= latest && latest.since(expires_at) < Duration::from_secs(1));

    let (_, details) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
    assert_eq!(details["result"]["cover"], cover, "{details}");
}

#[tokio::test]
async fn cover_without_a_thumbnail_has_no_url() {
    let api = Api::new().await;
    for cover in [json!(null), json!({"path": "a.svg", "thumbnail": null})] {
        let id = api.create(json!({"job_type": "analysis"})).await;
        api.process(id, FakeWork::Complete(json!({"cover": cover})))
            .await;
        let path = format!("/api/wizard/jobs/{id}/analysis");
        assert_eq!(api.get(OWNER, &path).await.1["cover"], cover);
    }
}

#[tokio::test]
async fn draft_can_be_changed_and_submitted() {
    let api = Api::new().await;
    let draft = json!({"draft": true, "config_json": {"a": 1}});
    let path = format!("/api/jobs/{}", api.create(draft).await);
    let submit_path = format!("{path}/submit");
    let submit = async |caller| api.send(caller, "PUT", &submit_path, None).await;
    let change = async |caller, body| api.send(caller, "PATCH", &path, Some(body)).await;

    assert_eq!(submit(OWNER).await.0, 400);
    let options = json!({"a": null, "compression": "high"});
    let body = json!({"job_type": "packaging", "config_json": options});
    let body = api.on_release(OWNER, body).await;
    assert_eq!(change(STRANGER, body.clone()).await.0, 403);
    let (status, job) = change(OWNER, body.clone()).await;
    let config = json!({"compression": "high"});
    assert_eq!((status, &job["config_json"]), (200, &config));
    let large = json!({"config_json": {"template": "x".repeat(20_000)}});
    assert_eq!(change(OWNER, large).await.0, 200);

    assert_eq!(submit(STRANGER).await.0, 403);
    let (status, job) = submit(OWNER).await;
    assert_eq!((status, &job["status"]), (202, &json!("pending")));
    let template = job["config_json"]["template"].as_str().unwrap();
    assert_eq!(template.len(), 20_000);
    assert_eq!(submit(OWNER).await.0, 409);
    assert_eq!(change(OWNER, body).await.0, 409);
}

#[tokio::test]
async fn details_show_the_configuration_of_a_draft_that_was_large_before() {
    let api = Api::new().await;
    let body = json!({
        "job_type": "packaging",
        "draft": true,
        "config_json": {"template": "x".repeat(1_000)},
    });
    let id = api.create(api.on_release(OWNER, body).await).await;
    let path = format!("/api/jobs/{id}");
    let small = json!({"compression": "high"});
    let change = json!({"config_json": {"template": null, "compression": "high"}});
    assert_eq!(api.send(OWNER, "PATCH", &path, Some(change)).await.0, 200);
    let submit = format!("{path}/submit");
    assert_eq!(api.send(OWNER, "PUT", &submit, None).await.0, 202);
    // The result has an item of its own, so the details read all items of the job.
    let result = json!({"files": ["x".repeat(3_000)]});
    api.process(id, FakeWork::Complete(result.clone())).await;
    let (_, details) = api.get(OWNER, &path).await;
    assert_eq!(
        (&details["config_json"], &details["result"]),
        (&small, &result)
    );
}

#[tokio::test]
async fn unknown_field_of_a_change_is_rejected_even_if_null() {
    let api = Api::new().await;
    let draft = api.create(json!({"draft": true})).await;
    let (path, change) = (
        format!("/api/jobs/{draft}"),
        json!({"jobtype": null, "release_id": null}),
    );
    let (status, problem) = api.send(OWNER, "PATCH", &path, Some(change)).await;
    assert_eq!(
        (status, fields(&problem)),
        (400, vec!["jobtype"]),
        "{problem}"
    );
}
