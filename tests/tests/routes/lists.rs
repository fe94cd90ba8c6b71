//! Lists of jobs: pages, filters, a release's jobs.

use serde_json::json;

use crate::{
    common::{ADMIN, Api, FakeWork, OWNER, STRANGER},
    ids,
};

#[tokio::test]
async fn test_list_jobs() {
    let api = Api::new().await;
    let job = json!({"job_type": "nfofix"});
    let mut own = Vec::new();
    for _ in 0..5 {
        own.push(api.create(job.clone()).await);
    }
    own.reverse();
    let other = api.on_release(STRANGER, job.clone()).await;
    api.send(STRANGER, "POST", "/api/jobs", Some(other)).await;
    let (status, first) = api.get(OWNER, "/api/jobs?limit=2").await;
    assert_eq!((status, ids(&first)), (200, own[..2].to_vec()));
    let mut cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let mut listed = ids(&first);
    // A job created between two pages neither appears on the next pages nor shifts them.
    api.create(job).await;
    loop {
        let (_, page) = api
            .get(OWNER, &format!("/api/jobs?limit=2&cursor={cursor}"))
            .await;
        listed.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(listed, own);
    let (_, all) = api.get(ADMIN, "/api/jobs").await;
    assert_eq!(ids(&all).len(), 7);
    assert_eq!(all["next_cursor"], json!(null));
    assert_eq!(api.get(STRANGER, "/api/jobs?user_id=7").await.0, 403);
    assert_eq!(ids(&api.get(ADMIN, "/api/jobs?user_id=7").await.1).len(), 6);
}

#[tokio::test]
async fn test_list_jobs_with_filters() {
    let api = Api::new().await;
    let release = api.create_release().await;
    let failed = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    let pending = api.create(json!({"job_type": "nfofix"})).await;
    let draft = api.create(json!({"draft": true})).await;
    api.process(failed, FakeWork::Fail).await;
    for (query, expected) in [
        ("status=failed".to_owned(), vec![failed]),
        ("status=failed,draft".to_owned(), vec![draft, failed]),
        (
            "status=pending&status=draft".to_owned(),
            vec![draft, pending],
        ),
        ("status=running".to_owned(), vec![]),
        ("job_type=nfofix".to_owned(), vec![pending]),
        (format!("release_id={release}"), vec![failed]),
        ("created_after=2030-01-01T00:00:00Z".to_owned(), vec![]),
        (
            "created_before=2030-01-01T00:00:00Z".to_owned(),
            vec![draft, pending, failed],
        ),
    ] {
        for caller in [OWNER, ADMIN] {
            let (status, page) = api.get(caller, &format!("/api/jobs?{query}")).await;
            assert_eq!(
                (status, ids(&page)),
                (200, expected.clone()),
                "{query} {caller:?}"
            );
        }
    }
    let (_, page) = api.get(OWNER, "/api/jobs?status=failed").await;
    assert_eq!(page["jobs"][0]["error"]["code"], "source_missing");
}

#[tokio::test]
async fn test_list_release_jobs() {
    let api = Api::new().await;
    let release = json!({"id": 42, "release_type": "ebook", "user_id": OWNER.0});
    let (status, created) = api
        .send(ADMIN, "POST", "/api/releases", Some(release.clone()))
        .await;
    assert_eq!((status, &created["user_id"]), (201, &json!(7)));
    let id = api
        .create(json!({"job_type": "packaging", "release_id": 42}))
        .await;
    api.create(json!({"job_type": "packaging"})).await;
    for caller in [OWNER, ADMIN] {
        assert_eq!(ids(&api.get(caller, "/api/releases/42/jobs").await.1), [id]);
    }
    assert_eq!(api.get(STRANGER, "/api/releases/42/jobs").await.0, 403);
    assert_eq!(api.get(OWNER, "/api/releases/43/jobs").await.0, 404);
    let job = Some(json!({"job_type": "packaging", "release_id": 42}));
    assert_eq!(api.send(STRANGER, "POST", "/api/jobs", job).await.0, 403);
    let for_stranger = json!({"release_type": "ebook", "user_id": STRANGER.0});
    let create = async |caller, body| api.send(caller, "POST", "/api/releases", Some(body)).await;
    assert_eq!(create(ADMIN, release.clone()).await.0, 409);
    assert_eq!(create(OWNER, release).await.0, 403);
    assert_eq!(create(OWNER, for_stranger.clone()).await.0, 403);
    assert_eq!(create(ADMIN, for_stranger).await.1["user_id"], STRANGER.0);
}

#[tokio::test]
async fn list_entry_allows_the_same_actions_as_the_job() {
    let api = Api::new().await;
    for (action, draft, status_after) in [
        ("cancel", false, "cancelled"),
        ("cancel", true, "cancelled"),
        ("submit", true, "pending"),
    ] {
        let job = json!({"job_type": "analysis", "draft": draft});
        let id = api.create(api.on_release(OWNER, job).await).await;
        let (_, list) = api.get(OWNER, "/api/jobs?limit=1").await;
        let (_, details) = api.get(OWNER, &format!("/api/jobs/{id}")).await;
        let entry = &list["jobs"][0];
        for name in [
            "id",
            "status",
            "job_type",
            "release_id",
            "created_by",
            "error",
        ] {
            assert_eq!(entry[name], details[name], "{name}");
        }
        let path = format!("/api/jobs/{}/{action}", entry["id"]);
        let (status, answer) = api.send(OWNER, "PUT", &path, None).await;
        assert!(status < 300, "{action}: {answer}");
        assert_eq!(answer["status"], status_after);
    }
    let (_, cancelled) = api.get(OWNER, "/api/jobs?status=cancelled").await;
    for id in ids(&cancelled) {
        let path = format!("/api/jobs/{id}/retry");
        let (status, answer) = api.send(OWNER, "POST", &path, None).await;
        assert_eq!((status, &answer["retry_of"]), (202, &json!(id)), "{answer}");
    }
}

#[tokio::test]
async fn admin_finds_a_job_that_was_a_draft_for_weeks() {
    const DAY: i64 = 24 * 60 * 60;
    let api = Api::new().await;
    let draft = json!({"job_type": "analysis", "draft": true});
    let id = api.create(api.on_release(OWNER, draft).await).await;
    api.clock.advance(20 * DAY);
    let submit = format!("/api/jobs/{id}/submit");
    assert_eq!(api.send(OWNER, "PUT", &submit, None).await.0, 202);
    // Its retention of 90 days ends on day 110.
    api.clock.advance(89 * DAY);
    assert_eq!(ids(&api.get(ADMIN, "/api/jobs").await.1), [id]);
    api.clock.advance(7 * DAY);
    assert!(ids(&api.get(ADMIN, "/api/jobs").await.1).is_empty());
}
