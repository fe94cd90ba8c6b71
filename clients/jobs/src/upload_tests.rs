//! Tests of uploads.

use std::fs;

use super::*;
use crate::test_server::{Received, Reply, TestServer, ok};

/// An API whose uploads go to itself; `storage` answers those.
fn server(storage: impl Fn(usize) -> Reply + Send + 'static) -> TestServer {
    TestServer::start(move |number, request| {
        if request.method == "PUT" {
            return storage(number);
        }
        let host = request.header("host").unwrap();
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let headers = json!({"content-length": body["size"].to_string(), "x-signed": "yes"});
        ok(&json!({"path": "a.txt", "upload": {
            "method": "PUT", "url": format!("http://{host}/bucket/a.txt?Signature=s"),
            "headers": headers, "expires_at": "T",
        }})
        .to_string())
    })
}

fn file_with(content: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), content).unwrap();
    file
}

#[test]
fn file_is_sent_whole_again_after_a_cut_and_without_the_token() {
    let content: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let server = server(|number| match number {
        1 => Reply::Cut,
        2 => Reply::Answer(503, "", Vec::new()),
        _ => Reply::Answer(200, "", Vec::new()),
    });
    let file = file_with(&content);
    let size = upload(
        &server.client(),
        &Output::new(false),
        42,
        file.path(),
        "a.txt",
    );
    assert_eq!(size.unwrap(), 300_000);
    let received = server.received();
    assert_eq!(received[0].path, "/api/releases/42/files");
    assert_eq!(received.len(), 4);
    for request in &received[1..] {
        assert_eq!(request.body, content);
        assert_eq!(request.path, "/bucket/a.txt?Signature=s");
        assert_eq!(request.header("content-length"), Some("300000"));
        assert_eq!(request.header("x-signed"), Some("yes"));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("transfer-encoding"), None);
    }
}

#[test]
fn empty_file_is_uploaded() {
    let server = server(|_| Reply::Answer(200, "", Vec::new()));
    let file = file_with(b"");
    upload(
        &server.client(),
        &Output::new(false),
        42,
        file.path(),
        "a.txt",
    )
    .unwrap();
    let [_, put]: [Received; 2] = server.received().try_into().unwrap();
    assert_eq!(
        (put.header("content-length"), put.body.len()),
        (Some("0"), 0)
    );
}

#[test]
fn refusal_of_the_storage_does_not_show_the_signed_url() {
    let server = server(|_| Reply::Answer(403, "", b"<Error>Signature</Error>".to_vec()));
    let file = file_with(b"abc");
    let result = upload(
        &server.client(),
        &Output::new(false),
        42,
        file.path(),
        "a.txt",
    );
    let text = result.unwrap_err().to_string();
    assert_eq!(text, "failed to upload a.txt: the server answered 403");
    assert_eq!(server.received().len(), 2);
}

#[test]
fn lost_signature_is_not_asked_for_again() {
    let server = TestServer::start(|_, _| Reply::Cut);
    let file = file_with(b"abc");
    assert!(
        upload(
            &server.client(),
            &Output::new(false),
            42,
            file.path(),
            "a.txt"
        )
        .is_err()
    );
    assert_eq!(server.received().len(), 1);
}

#[test]
fn file_that_becomes_shorter_is_a_fault_of_the_file() {
    let server = server(|_| Reply::Answer(200, "", Vec::new()));
    let file = file_with(b"abc");
    let signed = sign(&server.client(), "upload", 42, "a.txt", 5).unwrap();
    let bar = ProgressBar::hidden();
    let result = send(&server.client(), "upload", &signed, file.path(), 5, &bar);
    let text = result.unwrap_err().to_string();
    assert!(
        text.ends_with("it became shorter during the upload"),
        "{text}"
    );
}

#[test]
fn folder_is_not_uploaded() {
    let server = TestServer::start(|_, _| Reply::Cut);
    let folder = tempfile::tempdir().unwrap();
    let result = upload(
        &server.client(),
        &Output::new(false),
        42,
        folder.path(),
        "a",
    );
    assert!(result.unwrap_err().to_string().contains("is not a file"));
    assert!(server.received().is_empty());
}
