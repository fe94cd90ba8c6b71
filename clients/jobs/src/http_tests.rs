//! Tests of requests, and of when they are repeated.

use serde_json::json;

use super::*;
use crate::{
    test_client::TOKEN,
    test_server::{Received, Reply, TestServer, ok},
};

fn call(method: Method, key: Option<&str>) -> Call<'static> {
    Call {
        action: "change a job",
        method,
        path: "/api/jobs/5".to_owned(),
        body: Some(json!({"a": 1})),
        key: key.map(str::to_owned),
    }
}

#[test]
fn request_has_the_token_the_key_and_a_body_of_json() {
    let server = TestServer::start(|_, _| ok(r#"{"id": 5}"#));
    let answer = server
        .client()
        .send(&call(Method::POST, Some("k")))
        .unwrap();
    assert_eq!(answer, json!({"id": 5}));
    let [request]: [Received; 1] = server.received().try_into().unwrap();
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/api/jobs/5")
    );
    let bearer = format!("Bearer {TOKEN}");
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "k"),
        ("content-type", "application/json"),
        ("content-length", "7"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.body, br#"{"a":1}"#);
}

#[test]
fn safe_requests_are_repeated_after_a_cut_and_an_outage() {
    let safe = [
        (Method::GET, None),
        (Method::PUT, None),
        (Method::DELETE, None),
        (Method::POST, Some("k")),
    ];
    for (method, key) in safe {
        let server = TestServer::start(|number, _| match number {
            0 => Reply::Cut,
            1 => Reply::Answer(503, "retry-after: 1\r\n", Vec::new()),
            2 => Reply::CutBody(br#"{"id": 5}"#.to_vec()),
            _ => ok(r#"{"id": 5}"#),
        });
        let answer = server.client().send(&call(method.clone(), key)).unwrap();
        assert_eq!(answer, json!({"id": 5}), "{method}");
        let received = server.received();
        assert_eq!(received.len(), 4, "{method}");
        assert!(
            received
                .iter()
                .all(|request| request.header("idempotency-key") == key)
        );
    }
}

#[test]
fn post_without_a_key_is_sent_once() {
    let replies: [fn() -> Reply; 3] = [
        || Reply::Cut,
        || Reply::CutBody(br#"{"id": 5}"#.to_vec()),
        || Reply::Answer(503, "", Vec::new()),
    ];
    for reply in replies {
        let server = TestServer::start(move |_, _| reply());
        assert!(server.client().send(&call(Method::POST, None)).is_err());
        assert_eq!(server.received().len(), 1);
    }
}

#[test]
fn refusal_is_not_repeated_and_says_why() {
    let server = TestServer::start(|_, _| {
        let problem = r#"{"detail": "This job belongs to another user.", "request_id": "R="}"#;
        Reply::Answer(403, "", problem.as_bytes().to_vec())
    });
    let error = server.client().send(&call(Method::PUT, None)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "This job belongs to another user.\n  request id: R="
    );
    assert_eq!(server.received().len(), 1);
}

#[test]
fn redirect_does_not_take_the_token_elsewhere() {
    let target = TestServer::start(|_, _| ok("{}"));
    let location: &'static str = format!("location: {}/x\r\n", target.url).leak();
    let server = TestServer::start(move |_, _| Reply::Answer(302, location, Vec::new()));
    let error = server.client().get("list jobs", "/api/jobs".to_owned());
    assert!(error.unwrap_err().to_string().contains("302"));
    assert!(target.received().is_empty());
}

#[test]
fn page_of_another_server_is_no_answer() {
    let server = TestServer::start(|_, _| ok("<html>Welcome</html>"));
    let error = server.client().get("list jobs", "/api/jobs".to_owned());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("is its address right?")
    );
    assert_eq!(server.received().len(), 1);
}

#[test]
fn answer_without_content_is_null() {
    let server = TestServer::start(|_, _| Reply::Answer(204, "", Vec::new()));
    assert_eq!(
        server.client().send(&call(Method::DELETE, None)).unwrap(),
        Value::Null
    );
}

#[test]
fn query_has_the_given_values_only_and_is_encoded() {
    let parameters = [
        ("status", Some("failed,running".to_owned())),
        ("limit", None),
        ("path", Some("source/a b&c=d+é.epub".to_owned())),
    ];
    assert_eq!(
        with_query("/x", &parameters),
        "/x?status=failed%2Crunning&path=source%2Fa+b%26c%3Dd%2B%C3%A9.epub"
    );
    assert_eq!(with_query("/x", &[("limit", None)]), "/x");
}

#[test]
fn keys_differ_and_are_short_enough() {
    let (one, other) = (new_key(), new_key());
    assert_ne!(one, other);
    assert!(one.len() <= 128);
}
