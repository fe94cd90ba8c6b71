//! Requests that are built to do harm.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use dynoxide::Database;
use serde_json::{Value, json};
use store::{
    Store,
    testing::{client, serve},
};
use worker::testing::{bucket::Bucket, queue};

use crate::common::{ADMIN, Api, FakeWork, Limits, OWNER, STRANGER};

/// The largest answer to a request that is refused, in bytes.
const MAX_REFUSAL_BYTES: usize = 8 * 1024;

/// An API on a table that the test can also write to.
async fn api_and_table() -> (Api, Client) {
    let table = client(&serve(Database::memory().unwrap()).await);
    (Api::over(Store::new(&table, "jobs"), queue()), table)
}

/// Replaces an attribute of an item by text that is not JSON.
async fn damage(table: &Client, (pk, sk): (String, &str), name: &str) {
    let call = table.update_item().table_name("jobs");
    let call = call
        .key("pk", AttributeValue::S(pk))
        .key("sk", AttributeValue::S(sk.to_owned()))
        .update_expression("SET #name = :damaged")
        .condition_expression("attribute_exists(#name)")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":damaged", AttributeValue::S("{".to_owned()));
    call.send().await.unwrap();
}

#[tokio::test]
async fn body_that_nests_too_deeply_is_refused() {
    let api = Api::new().await;
    let draft = api.create(json!({"draft": true})).await;
    let arrays = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let hidden = json!({"$serde_json::private::RawValue": arrays(120)}).to_string();
    let later = r#"{"a": 1, "$serde_json::private::RawValue": "not JSON"}"#.to_owned();
    for value in [format!(r#"{{"a": {}}}"#, arrays(63)), hidden, later] {
        for (method, path, field) in [
            ("POST", "/api/releases".to_owned(), "metadata"),
            ("POST", "/api/jobs".to_owned(), "config_json"),
            ("PATCH", format!("/api/jobs/{draft}"), "config_json"),
            ("POST", format!("/api/jobs/{draft}/retry"), "config_json"),
        ] {
            let body = format!(r#"{{"release_type": "ebook", "{field}": {value}}}"#);
            let (status, problem) = api.send_with(OWNER, method, &path, Some(body), &[]).await;
            assert_eq!(
                (status, &problem["type"]),
                (400, &json!("urn:jobs:malformed-body"))
            );
        }
    }
    let metadata = format!(
        r#"{{"release_type": "ebook", "metadata": {{"a": {}}}}}"#,
        arrays(62)
    );
    let created = api.send_with(OWNER, "POST", "/api/releases", Some(metadata), &[]);
    let (status, release) = created.await;
    assert_eq!(status, 201, "{release}");
    let path = format!("/api/releases/{}", release["id"]);
    assert_eq!(api.get(OWNER, &path).await, (200, release));
}

#[tokio::test]
async fn job_with_a_damaged_document_stays_readable() {
    let (api, table) = api_and_table().await;
    let template = "x".repeat(1_000);
    let large = json!({"job_type": "packaging", "config_json": {"template": template}});
    let small = json!({"job_type": "packaging", "config_json": {"compression": "high"}});
    for (job, config) in [
        (small, ("META", "config")),
        (large, ("META#CONFIG", "body")),
    ] {
        let id = api.create(job).await;
        api.process(id, FakeWork::Complete(json!({"files": []})))
            .await;
        let path = format!("/api/jobs/{id}");
        damage(&table, (format!("JOB#{id}"), config.0), config.1).await;
        let (status, details) = api.get(OWNER, &path).await;
        assert_eq!((status, &details["config_json"]), (200, &json!({})));
        assert_eq!(details["result"], json!({"files": []}));
        damage(&table, (format!("JOB#{id}"), "META"), "result").await;
        let (status, details) = api.get(OWNER, &path).await;
        assert_eq!((status, &details["result"]), (200, &Value::Null));
        assert!(
            details["logs"].as_str().unwrap().contains("started"),
            "{details}"
        );
    }
}

#[tokio::test]
async fn release_with_damaged_metadata_stays_readable() {
    let (api, table) = api_and_table().await;
    let release = api.create_release().await;
    damage(&table, (format!("RELEASE#{release}"), "META"), "metadata").await;
    let path = format!("/api/releases/{release}");
    let (status, read) = api.get(OWNER, &path).await;
    assert_eq!((status, &read["metadata"]), (200, &json!({})));
    assert_eq!(api.get(STRANGER, &path).await.0, 403);
    assert_eq!(api.get(OWNER, &format!("{path}/jobs")).await.0, 200);
    assert_eq!(api.get(OWNER, &format!("{path}/files")).await.0, 200);
    // But nothing is built from the part that can be read.
    let id = api.store.release(release.try_into().unwrap());
    let error = id.await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("metadata of RELEASE#{release} META")),
        "{error}"
    );
}

#[tokio::test]
async fn list_of_another_users_release_has_nothing_of_it() {
    let limits = Limits::new(2_000, 1_000, 10_000, (1_000, 100 << 30));
    let api = Api::with_limits(limits, &Bucket::default()).await;
    let release = api.create_release().await;
    let theirs = json!({"job_type": "nfofix", "release_id": release});
    for _ in 0..1_050 {
        api.create(theirs.clone()).await;
    }
    for _ in 0..3 {
        let draft = json!({"draft": true});
        api.send(STRANGER, "POST", "/api/jobs", Some(draft)).await;
    }
    for query in ["", "&limit=1", "&status=pending", "&user_id=8"] {
        let path = format!("/api/jobs?release_id={release}{query}");
        let (status, page) = api.get(STRANGER, &path).await;
        assert_eq!((status, &page["jobs"]), (200, &json!([])), "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    let own = format!("/api/jobs?release_id={release}&limit=2");
    let (_, page) = api.get(OWNER, &own).await;
    assert_eq!(page["jobs"].as_array().map(Vec::len), Some(2));
    let next = page["next_cursor"].as_str().unwrap();
    let (status, _) = api.get(STRANGER, &format!("{own}&cursor={next}")).await;
    assert_eq!(status, 400);
}

/// Bodies with many faults, or with long ones.
fn faulty_bodies() -> Vec<String> {
    let names = |name: &str, count: usize| -> String {
        let fields = (0..count).map(|n| format!("{}: 0", json!(format!("{n}{name}"))));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    let mut bodies = vec![
        names("", 20_000),
        names("\u{1}", 10_000),
        names(&"\u{1f4d6}".repeat(50), 1_000),
        names(&"x".repeat(200_000), 1),
    ];
    for object in bodies.clone() {
        let config = object.chars().take(60_000).collect::<String>();
        bodies.push(format!(
            r#"{{"job_type": "packaging", "config_json": {object}}}"#
        ));
        bodies.push(json!({"job_type": config}).to_string());
        bodies.push(json!({"path": config, "size": config}).to_string());
        bodies.push(json!({"release_type": config, "name": config, "id": config}).to_string());
        let template = format!("{{{{ {} }}}}", "x".repeat(30_000));
        let packaging = json!({"template": template, "release_name": config, "group": config});
        bodies.push(json!({"job_type": "packaging", "config_json": packaging}).to_string());
        bodies.push(json!({"reason": config}).to_string());
        bodies.push(object[..object.len() - 1].to_owned());
    }
    bodies
}

#[tokio::test]
async fn refusal_of_a_body_is_small() {
    let api = Api::new().await;
    let release = api.create_release().await;
    let draft = api.create(json!({"draft": true})).await;
    for body in faulty_bodies() {
        for (method, path) in [
            ("POST", "/api/jobs".to_owned()),
            ("POST", "/api/releases".to_owned()),
            ("POST", format!("/api/releases/{release}/files")),
            ("PUT", format!("/api/releases/{release}/package")),
            ("PATCH", format!("/api/jobs/{draft}")),
            ("PUT", format!("/api/jobs/{draft}/cancel")),
            ("PUT", format!("/api/jobs/{draft}/submit")),
            ("POST", format!("/api/jobs/{draft}/retry")),
        ] {
            let request = Api::request(OWNER, method, &path, Some(body.clone()), &[]);
            assert_small(&api.answer(request).await.body, &path);
        }
    }
    let body = faulty_bodies().swap_remove(0);
    let (_, problem) = api
        .send_with(OWNER, "POST", "/api/releases", Some(body), &[])
        .await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("release_type is required; and 20000 more"),
        "{detail}"
    );
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn refusal_of_parameters_headers_and_paths_is_small() {
    let api = Api::new().await;
    let long = "x".repeat(9_500);
    let many = (0..1_500)
        .map(|n| format!("{n}="))
        .collect::<Vec<_>>()
        .join("&");
    for query in [
        many,
        format!("{long}=1"),
        "%01=1&".repeat(1_000),
        "%F0%9F%93%96".repeat(700),
        format!("status={}", ",".repeat(9_000)),
        format!("status={long}&job_type={long}&limit={long}&cursor={long}&release_id={long}"),
        format!("created_after={long}&created_before={long}&user_id={long}"),
        format!("idempotency_key={long}"),
        format!("after={long}&since={long}&level={long}"),
    ] {
        for path in [
            "/api/jobs",
            "/api/jobs/5",
            "/api/jobs/5/logs",
            "/api/releases/5/files",
        ] {
            let (_, problem) = api.get(OWNER, &format!("{path}?{query}")).await;
            assert_small(&problem, path);
        }
    }
    for path in [
        format!("/{long}"),
        format!("/api/jobs/{long}"),
        format!("/api/jobs/{long}/{long}"),
    ] {
        assert_small(&api.get(OWNER, &path).await.1, "a long path");
    }
    let key = [("Idempotency-Key", long.as_str())];
    let answer = api.send_with(ADMIN, "POST", "/api/jobs", Some("{}".to_owned()), &key);
    assert_small(&answer.await.1, "a long header");
}

fn assert_small(problem: &Value, path: &str) {
    let status = problem["status"].as_u64().unwrap_or_default();
    assert!((400..500).contains(&status), "{path}: {status}");
    let bytes = problem.to_string().len();
    assert!(
        bytes <= MAX_REFUSAL_BYTES,
        "{path}: {bytes} bytes: {}",
        problem["detail"]
    );
    let errors = problem["errors"].as_array().map_or(0, Vec::len);
    assert!(errors <= 20, "{path}: {errors} errors");
}
