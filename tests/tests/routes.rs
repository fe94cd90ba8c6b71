//! Every route of the contract, as an owner, a stranger and an admin, in this process.

mod common;

use common::{ADMIN, Api, Does, OWNER, STRANGER};
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<u64> {
    page["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_u64().unwrap())
        .collect()
}

fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn test_list_jobs() {
    let api = Api::new().await;
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(api.create(json!({"job_type": "nfofix"})).await);
    }
    api.send(
        STRANGER,
        "POST",
        "/api/jobs",
        Some(json!({"job_type": "nfofix"})),
    )
    .await;
    mine.reverse();
    let (status, first) = api.get(OWNER, "/api/jobs?limit=2").await;
    assert_eq!((status, ids(&first)), (200, mine[..2].to_vec()));
    let (mut cursor, mut walked) = (
        first["next_cursor"].as_str().unwrap().to_owned(),
        ids(&first),
    );
    // A job that is created meanwhile is not seen by this walk, and shifts nothing.
    api.create(json!({"job_type": "nfofix"})).await;
    loop {
        let (_, page) = api
            .get(OWNER, &format!("/api/jobs?limit=2&cursor={cursor}"))
            .await;
        walked.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(walked, mine);
    let (_, all) = api.get(ADMIN, "/api/jobs").await;
    assert_eq!(ids(&all).len(), 7);
    assert_eq!(all["next_cursor"], json!(null));
    assert_eq!(api.get(STRANGER, "/api/jobs?user_id=7").await.0, 403);
    assert_eq!(ids(&api.get(ADMIN, "/api/jobs?user_id=7").await.1).len(), 6);
}

#[tokio::test]
async fn test_list_jobs_with_filters() {
    let api = Api::new().await;
    let release = api
        .send(
            OWNER,
            "POST",
            "/api/releases",
            Some(json!({"release_type": "ebook"})),
        )
        .await
        .1;
    let release = &release["id"];
    let failed = api
        .create(json!({"job_type": "packaging", "release_id": release}))
        .await;
    let pending = api.create(json!({"job_type": "nfofix"})).await;
    let draft = api.create(json!({"draft": true})).await;
    api.process(failed, Does::Fail).await;
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
            assert_eq!(
                (status, &problem["type"]),
                (404, &json!("urn:jobs:job-not-found")),
                "{path}"
            );
            assert_eq!(problem["request_id"], "r-1");
        }
    }
}

#[tokio::test]
async fn test_get_job_logs() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    assert_eq!(
        api.get(OWNER, &format!("/api/jobs/{id}/logs")).await.1["finished"],
        false
    );
    api.process(id, Does::Fail).await;
    let path = format!("/api/jobs/{id}/logs");
    let (mut after, mut messages) = ("0".to_owned(), Vec::new());
    loop {
        let (status, page) = api
            .get(OWNER, &format!("{path}?limit=1&after={after}"))
            .await;
        assert_eq!(status, 200);
        messages.extend(
            page["logs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["message"].clone()),
        );
        page["next_cursor"].as_str().unwrap().clone_into(&mut after);
        if page["finished"] == true {
            break;
        }
    }
    assert_eq!(
        messages[1..],
        [
            json!("Compressed 3 of 5 files"),
            json!("There is no source file")
        ]
    );
    let (_, errors) = api.get(OWNER, &format!("{path}?level=error")).await;
    assert_eq!(errors["logs"].as_array().unwrap().len(), 1);
    let (_, text) = api
        .send_with(OWNER, "GET", &path, None, &[("accept", "text/plain")])
        .await;
    assert_eq!(text.as_str().unwrap().lines().count(), 3);
    assert_eq!(api.get(STRANGER, &path).await.0, 403);
    assert_eq!(
        fields(
            &api.get(OWNER, &format!("{path}?after=x&limit=1001&level=loud"))
                .await
                .1
        ),
        ["after", "level", "limit"]
    );
}

#[tokio::test]
async fn test_get_job_status() {
    let api = Api::new().await;
    let id = api.create(json!({"job_type": "packaging"})).await;
    let (status, view) = api.get(OWNER, &format!("/api/jobs/{id}/status")).await;
    assert_eq!(
        (status, &view["status"], &view["progress"]),
        (200, &json!("pending"), &json!(0))
    );
    assert_eq!(view["job_id"], id);
    assert_eq!(
        api.get(STRANGER, &format!("/api/jobs/{id}/status")).await.0,
        403
    );
    assert_eq!(
        api.get(ADMIN, &format!("/api/jobs/{id}/status")).await.0,
        200
    );
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
    api.process(done, Does::Complete(json!({}))).await;
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

#[tokio::test]
async fn test_list_release_jobs() {
    let api = Api::new().await;
    let (status, release) = api
        .send(
            OWNER,
            "POST",
            "/api/releases",
            Some(json!({"id": 42, "release_type": "ebook"})),
        )
        .await;
    assert_eq!((status, &release["user_id"]), (201, &json!(7)));
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
    let again = Some(json!({"id": 42, "release_type": "ebook"}));
    assert_eq!(api.send(OWNER, "POST", "/api/releases", again).await.0, 409);
    let for_other = Some(json!({"release_type": "ebook", "user_id": 8}));
    assert_eq!(
        api.send(OWNER, "POST", "/api/releases", for_other.clone())
            .await
            .0,
        403
    );
    assert_eq!(
        api.send(ADMIN, "POST", "/api/releases", for_other).await.1["user_id"],
        8
    );
}

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
    api.process(id, Does::Fail).await;
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
    // A result that is too large for the job's item.
    let found = json!({"metadata": {"title": "t".repeat(2_000)}, "mediainfo": {"format": "epub"}, "structure": {}});
    api.process(id, Does::Complete(found.clone())).await;
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
async fn a_key_that_made_a_job_does_not_retry_another() {
    let api = Api::new().await;
    let key = [("Idempotency-Key", "k-1")];
    let body = json!({"job_type": "nfofix"});
    let (_, first) = api
        .send_with(OWNER, "POST", "/api/jobs", Some(body.to_string()), &key)
        .await;
    let second = api.create(body).await;
    for id in [first["id"].as_u64().unwrap(), second] {
        api.process(id, Does::Fail).await;
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
async fn an_unknown_field_of_a_change_is_named_even_where_it_is_null() {
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

#[tokio::test]
async fn an_idempotency_key_makes_one_job() {
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
async fn a_draft_is_changed_and_submitted() {
    let api = Api::new().await;
    let id = api
        .create(json!({"draft": true, "config_json": {"a": 1}}))
        .await;
    let path = format!("/api/jobs/{id}");
    assert_eq!(
        api.send(OWNER, "PUT", &format!("{path}/submit"), None)
            .await
            .0,
        400
    );
    let changes =
        json!({"job_type": "packaging", "config_json": {"a": null, "compression": "high"}});
    assert_eq!(
        api.send(STRANGER, "PATCH", &path, Some(changes.clone()))
            .await
            .0,
        403
    );
    let (status, job) = api.send(OWNER, "PATCH", &path, Some(changes.clone())).await;
    assert_eq!(
        (status, &job["config_json"]),
        (200, &json!({"compression": "high"}))
    );
    let large = json!({"config_json": {"template": "x".repeat(20_000)}});
    assert_eq!(api.send(OWNER, "PATCH", &path, Some(large)).await.0, 200);
    assert_eq!(
        api.send(STRANGER, "PUT", &format!("{path}/submit"), None)
            .await
            .0,
        403
    );
    let (status, job) = api
        .send(OWNER, "PUT", &format!("{path}/submit"), None)
        .await;
    assert_eq!((status, &job["status"]), (202, &json!("pending")));
    assert_eq!(
        job["config_json"]["template"].as_str().unwrap().len(),
        20_000
    );
    assert_eq!(
        api.send(OWNER, "PUT", &format!("{path}/submit"), None)
            .await
            .0,
        409
    );
    assert_eq!(api.send(OWNER, "PATCH", &path, Some(changes)).await.0, 409);
}

#[tokio::test]
async fn a_failed_job_is_tried_again_as_a_new_one() {
    let api = Api::new().await;
    let id = api
        .create(json!({"job_type": "packaging", "config_json": {"compression": "store"}}))
        .await;
    let path = format!("/api/jobs/{id}/retry");
    assert_eq!(api.send(OWNER, "POST", &path, None).await.0, 409);
    api.process(id, Does::Fail).await;
    assert_eq!(api.send(STRANGER, "POST", &path, None).await.0, 403);
    let (status, job) = api.send(OWNER, "POST", &path, None).await;
    assert_eq!(
        (status, &job["retry_of"], &job["status"]),
        (202, &json!(id), &json!("pending"))
    );
    assert_eq!(job["config_json"]["compression"], "store");
}

#[tokio::test]
async fn bad_input_is_refused_as_the_contract_says() {
    let api = Api::new().await;
    let post = |body: String| api.send_with(OWNER, "POST", "/api/jobs", Some(body), &[]);
    for body in ["", "not json", "[]", "7"] {
        assert_eq!(post(body.to_owned()).await.0, 400, "{body:?}");
    }
    for (body, field) in [
        (json!({}), "job_type"),
        (json!({"job_type": "juggling"}), "job_type"),
        (json!({"job_type": 7}), "job_type"),
        (
            json!({"job_type": "nfofix", "release_id": -1}),
            "release_id",
        ),
        (json!({"job_type": "nfofix", "prioritty": 1}), "prioritty"),
        (
            json!({"job_type": "nfofix", "config_json": {"dryrun": true}}),
            "config_json.dryrun",
        ),
        (
            json!({"job_type": "packaging", "config_json": {"volume_size": 1}}),
            "config_json.volume_size",
        ),
    ] {
        let (status, problem) = post(body.to_string()).await;
        assert_eq!((status, fields(&problem)), (400, vec![field]), "{body}");
    }
    assert_eq!(
        post(format!("{{\"job_type\": \"{}\"}}", "x".repeat(300_000)))
            .await
            .0,
        413
    );
    let wide = json!({"draft": true, "config_json": {"x": "x".repeat(70_000)}});
    assert_eq!(post(wide.to_string()).await.0, 413);
    let (status, problem) = api
        .get(OWNER, "/api/jobs?state=failed&limit=0&status=done&cursor=!")
        .await;
    assert_eq!(
        (status, fields(&problem)),
        (400, vec!["status", "limit", "state"])
    );
    let (_, page) = api.get(OWNER, "/api/jobs?limit=1").await;
    assert_eq!(page["next_cursor"], json!(null));
    assert_eq!(api.get(OWNER, "/api/jobs?cursor=bad").await.0, 400);
    assert_eq!(api.send(OWNER, "DELETE", "/api/jobs", None).await.0, 405);
}

#[tokio::test]
async fn a_queue_that_refuses_leaves_nothing_half_written() {
    let api = Api::with_queue(worker::testing::broken_queue()).await;
    let (status, problem) = api
        .send(
            OWNER,
            "POST",
            "/api/jobs",
            Some(json!({"job_type": "nfofix"})),
        )
        .await;
    assert_eq!(
        (status, &problem["type"]),
        (503, &json!("urn:jobs:unavailable"))
    );
    assert_eq!(ids(&api.get(OWNER, "/api/jobs").await.1), [0_u64; 0]);
}

#[tokio::test]
async fn health_needs_no_caller_data() {
    let (status, health) = Api::new().await.get(OWNER, "/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
}
