//! The program as a shell runs it: its output and exit statuses.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

#[path = "../src/test_server.rs"]
mod test_server;

use test_server::{Reply, TestServer, ok};

const TOKEN: &str = "secret-token";

/// Runs the program without settings, against `api` if it is given.
fn program(api: Option<&TestServer>, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.args(words).stdin(Stdio::null());
    // The rest stays: the coverage needs it.
    for name in ["JOBS_API", "JOBS_TOKEN", "XDG_CONFIG_HOME", "HOME"] {
        command.env_remove(name);
    }
    if let Some(server) = api {
        command.env("JOBS_API", &server.url);
        command.env("JOBS_TOKEN", TOKEN);
    }
    command
}

fn run(api: &TestServer, words: &[&str]) -> Output {
    let output = program(Some(api), words).output().unwrap();
    for stream in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(stream).contains(TOKEN));
    }
    output
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// An API with one job that has ended.
fn api_with_job(status: &'static str) -> TestServer {
    TestServer::start(move |_, _| {
        let error = json!({"code": "nfo_missing", "message": "There is no NFO."});
        let error = if status == "failed" {
            error
        } else {
            Value::Null
        };
        ok(&json!({"id": 5, "status": status, "progress": 10, "error": error}).to_string())
    })
}

#[test]
fn watched_job_decides_the_exit_status() {
    for (status, code) in [("completed", 0), ("failed", 1), ("cancelled", 2)] {
        for words in [
            &["watch", "5"][..],
            &["submit", "nfofix", "--release", "42", "--watch"],
            &["retry", "5", "--watch"],
        ] {
            let output = run(&api_with_job(status), words);
            assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
            assert!(stdout(&output).contains(status), "{output:?}");
        }
    }
}

#[test]
fn shown_job_does_not_decide_the_exit_status() {
    assert_eq!(
        run(&api_with_job("failed"), &["show", "5"]).status.code(),
        Some(0)
    );
}

#[test]
fn json_is_one_document_on_the_standard_output() {
    for words in [&["watch", "5", "--json"][..], &["--json", "show", "5"]] {
        let output = run(&api_with_job("failed"), words);
        let job: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(job["error"]["code"], "nfo_missing");
    }
}

#[test]
fn refusal_is_an_error_with_its_reason() {
    let server = TestServer::start(|_, _| {
        let problem = r#"{"detail": "There is no such job.", "request_id": "R="}"#;
        Reply::Answer(404, "", problem.as_bytes().to_vec())
    });
    let output = run(&server, &["show", "5"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "error: There is no such job.\n  request id: R=\n"
    );
    assert_eq!(stdout(&output), "");
}

#[test]
fn wrong_use_is_not_taken_for_a_cancelled_job() {
    for words in [
        &["watch"][..],
        &["watch", "x"],
        &["unknown"],
        &["list"],
        &["submit", "nfofix", "--release", "42", "--config", "x"],
    ] {
        let output = program(None, words).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{words:?}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
    let output = program(None, &["--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("64  the command line"));
}

#[test]
fn log_lines_are_followed_once_through_a_cut_network() {
    let mut pages = 0;
    let server = TestServer::start(move |_, request| {
        if (request.method.as_str(), request.path.as_str()) == ("POST", "/api/live/ticket") {
            return Reply::Answer(404, "", b"{}".to_vec());
        }
        let line = |seq| json!({"seq": seq, "timestamp": "T", "level": "INFO", "message": "m"});
        let page = |seqs: &[u64], finished| {
            let logs: Vec<Value> = seqs.iter().copied().map(line).collect();
            let cursor = seqs.last().map_or("2".to_owned(), u64::to_string);
            json!({"logs": logs, "next_cursor": cursor, "finished": finished}).to_string()
        };
        pages += 1;
        match pages {
            1 => Reply::CutBody(page(&[1, 2], false).into_bytes()),
            2 => ok(&page(&[1, 2], false)),
            3 => Reply::Cut,
            _ => ok(&page(&[3], true)),
        }
    });
    let output = run(&server, &["logs", "5", "-f", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let seqs = stdout(&output).lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap()["seq"]
            .as_u64()
            .unwrap()
    });
    assert_eq!(seqs.collect::<Vec<u64>>(), [1, 2, 3]);
    assert!(
        stderr(&output).contains("trying again in 0.5 s"),
        "{output:?}"
    );
    let mut paths = server.received().into_iter().map(|it| it.path);
    let last = paths.rfind(|path| path.contains("/logs")).unwrap();
    assert!(last.contains("after=2&"), "{last}");
}

#[test]
fn login_saves_a_token_that_the_api_accepts() {
    let server = TestServer::start(|_, request| match request.header("authorization") {
        Some("Bearer secret-token") => {
            ok(r#"{"user_id": 7, "admin": false, "expires_at": "2026-11-23T11:05:00.000Z"}"#)
        }
        _ => Reply::Answer(403, "", br#"{"message": "Forbidden"}"#.to_vec()),
    });
    let home = tempfile::tempdir().unwrap();
    let login = |token: &str| {
        let mut child = program(None, &["login", "--api", &server.url, "--token-stdin"])
            .env("XDG_CONFIG_HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{token}").unwrap();
        child.wait_with_output().unwrap()
    };
    let refused = login("wrong-token");
    assert_eq!(refused.status.code(), Some(1));
    assert!(!stderr(&refused).contains("wrong-token"), "{refused:?}");
    assert!(!home.path().join("jobs/settings.json").exists());
    let accepted = login(TOKEN);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    assert!(stdout(&accepted).starts_with("Signed in as user 7, until 2026-11-23"));
    assert!(!stdout(&accepted).contains(TOKEN));
    let me = program(None, &["me"])
        .env("XDG_CONFIG_HOME", home.path())
        .output()
        .unwrap();
    assert_eq!(
        stdout(&me),
        "user 7, until 2026-11-23T11:05:00.000Z\n",
        "{me:?}"
    );
}

#[test]
fn reader_that_stops_reading_is_no_error() {
    let server = TestServer::start(|_, _| {
        let line = json!({"seq": 1, "timestamp": "T", "level": "INFO", "message": "m".repeat(500)});
        let logs = vec![line; 1000];
        ok(&json!({"logs": logs, "next_cursor": "1000", "finished": true}).to_string())
    });
    let mut child = program(Some(&server), &["logs", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "");
}
