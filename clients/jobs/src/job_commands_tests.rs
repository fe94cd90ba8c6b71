//! Tests of the requests that the commands about jobs send.

use clap::Parser;

use super::*;
use crate::{
    args::Cli,
    test_server::{Received, Reply, TestServer, ok},
};

fn run_line(server: &TestServer, line: &str) -> Result<Outcome, Error> {
    let cli = Cli::try_parse_from(line.split(' ')).unwrap();
    run(&server.client(), &Output::new(cli.json), cli.command)
}

/// The request that a command sends, as method, path and body.
fn sent(line: &str) -> (String, String, Value) {
    let server = TestServer::start(|_, _| ok(r#"{"id": 5, "status": "pending"}"#));
    run_line(&server, line).unwrap();
    let [request]: [Received; 1] = server.received().try_into().unwrap();
    let body = serde_json::from_slice(&request.body).unwrap_or_default();
    (request.method, request.path, body)
}

#[test]
fn commands_send_their_requests() {
    let config = json!({"compression": "high", "volume_size": 65536});
    for (line, method, path, body) in [
        ("jobs me", "GET", "/api/me", Value::Null),
        ("jobs show 5", "GET", "/api/jobs/5", Value::Null),
        (
            "jobs list --status failed --status running,pending --type analysis --release 42 \
             --user 7 --limit 5",
            "GET",
            "/api/jobs?status=failed%2Crunning%2Cpending&job_type=analysis&release_id=42&user_id=7\
             &limit=5",
            Value::Null,
        ),
        (
            "jobs submit packaging --release 42 --config compression=high volume_size=65536",
            "POST",
            "/api/jobs",
            json!({"job_type": "packaging", "release_id": 42, "config_json": config}),
        ),
        (
            "jobs submit analysis --draft",
            "POST",
            "/api/jobs",
            json!({"job_type": "analysis", "config_json": {}, "draft": true}),
        ),
        (
            "jobs submit-draft 5",
            "PUT",
            "/api/jobs/5/submit",
            json!({}),
        ),
        ("jobs cancel 5", "PUT", "/api/jobs/5/cancel", json!({})),
        (
            "jobs cancel 5 --reason Wrong",
            "PUT",
            "/api/jobs/5/cancel",
            json!({"reason": "Wrong"}),
        ),
        ("jobs retry 5", "POST", "/api/jobs/5/retry", json!({})),
        (
            "jobs retry 5 --config group=null",
            "POST",
            "/api/jobs/5/retry",
            json!({"config_json": {"group": null}}),
        ),
    ] {
        assert_eq!(
            sent(line),
            (method.to_owned(), path.to_owned(), body),
            "{line}"
        );
    }
}

#[test]
fn lost_submission_is_repeated_with_the_same_key() {
    for line in ["jobs submit analysis --release 42", "jobs retry 5"] {
        let server = TestServer::start(|number, _| match number {
            0 => Reply::Cut,
            1 => Reply::Answer(503, "", Vec::new()),
            _ => ok(r#"{"id": 5, "status": "pending"}"#),
        });
        run_line(&server, line).unwrap();
        let received = server.received();
        let keys: Vec<_> = received
            .iter()
            .map(|it| it.header("idempotency-key"))
            .collect();
        assert_eq!(keys.len(), 3, "{line}");
        assert!(keys[0].is_some(), "{line}");
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

#[test]
fn given_key_is_sent() {
    let server = TestServer::start(|_, _| ok(r#"{"id": 5, "status": "pending"}"#));
    run_line(
        &server,
        "jobs submit analysis --release 42 --idempotency-key mine",
    )
    .unwrap();
    assert_eq!(server.received()[0].header("idempotency-key"), Some("mine"));
}

#[test]
fn submission_is_watched_to_its_end() {
    let server = TestServer::start(|_, request| match request.method.as_str() {
        "POST" => ok(r#"{"id": 5, "status": "pending"}"#),
        _ => ok(r#"{"id": 5, "status": "cancelled", "progress": 10}"#),
    });
    let outcome = run_line(&server, "jobs submit analysis --release 42 --watch").unwrap();
    assert_eq!(outcome, Outcome::Cancelled);
    let paths: Vec<String> = server.received().into_iter().map(|it| it.path).collect();
    assert_eq!(paths, ["/api/jobs", "/api/jobs/5/status", "/api/jobs/5"]);
}

#[test]
fn wrong_configuration_sends_nothing() {
    let server = TestServer::start(|_, _| Reply::Cut);
    let result = run_line(&server, "jobs submit analysis --release 42 --config path");
    assert!(matches!(result, Err(Error::Usage(_))));
    assert!(server.received().is_empty());
}
