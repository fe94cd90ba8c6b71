//! Tests of the commands about releases and their files.

use clap::Parser;

use super::*;
use crate::{
    args::{Cli, Command},
    test_server::{Received, Reply, TestServer, ok},
};

fn run_words(server: &TestServer, words: &[&str]) -> Result<(), Error> {
    let words = ["jobs", "release"].iter().chain(words);
    let cli = Cli::try_parse_from(words).unwrap();
    let Command::Release(command) = cli.command else {
        panic!("not about a release");
    };
    run(&server.client(), &Output::new(cli.json), command)
}

#[test]
fn release_is_created_once_through_a_cut_network() {
    let server = TestServer::start(|number, _| match number {
        0 => Reply::Cut,
        _ => ok(r#"{"id": 42}"#),
    });
    let words = [
        "create",
        "ebook",
        "--group",
        "GRP",
        "--metadata",
        "title=A Book",
        "year=2026",
    ];
    run_words(&server, &words).unwrap();
    let [first, second]: [Received; 2] = server.received().try_into().unwrap();
    let body: Value = serde_json::from_slice(&second.body).unwrap();
    let metadata = json!({"title": "A Book", "year": 2026});
    let expected = json!({"release_type": "ebook", "group": "GRP", "metadata": metadata});
    assert_eq!(body, expected);
    assert!(first.header("idempotency-key").is_some());
    assert_eq!(
        first.header("idempotency-key"),
        second.header("idempotency-key")
    );
}

#[test]
fn deletion_names_the_file_in_the_query() {
    let server = TestServer::start(|_, _| Reply::Answer(204, "", Vec::new()));
    run_words(&server, &["delete-file", "42", "source/a b.txt"]).unwrap();
    let [request]: [Received; 1] = server.received().try_into().unwrap();
    assert_eq!(request.method, "DELETE");
    assert_eq!(request.path, "/api/releases/42/files?path=source%2Fa+b.txt");
}

/// A release with a source file and a package of two, each with its own path as content. The URLs
/// of the first list have ended if `has_ended`.
fn server_with_files(has_ended: bool) -> TestServer {
    let mut lists = 0;
    TestServer::start(move |_, request| {
        if let Some((_, path)) = request.path.split_once("/bucket/") {
            let (path, list) = path.split_once("?list=").unwrap();
            return if has_ended && list == "1" {
                Reply::Answer(403, "", b"<Error/>".to_vec())
            } else {
                ok(path)
            };
        }
        lists += 1;
        let host = request.header("host").unwrap();
        let file = |path: &str| {
            let url = format!("http://{host}/bucket/{path}?list={lists}");
            json!({"path": path, "size": path.len(), "last_modified": null, "url": url})
        };
        let files = ["source/a.txt", "package/x.zip", "package/cd1/x.nfo"].map(file);
        ok(&json!({"files": files, "next_cursor": null}).to_string())
    })
}

fn downloaded(server: &TestServer, words: &[&str]) -> Result<Vec<String>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new");
    let words: Vec<&str> = [&["download", "42", "--to", to.to_str().unwrap()], words].concat();
    run_words(server, &words)?;
    let found = ["a.txt", "x.zip", "cd1/x.nfo"].into_iter();
    let found = found.filter_map(|name| fs::read_to_string(to.join(name)).ok());
    Ok(found.collect())
}

#[test]
fn package_sources_or_named_files_are_downloaded() {
    let server = server_with_files(false);
    let get = |words: &[&str]| downloaded(&server, words).unwrap();
    assert_eq!(get(&[]), ["package/x.zip", "package/cd1/x.nfo"]);
    assert_eq!(get(&["--source"]), ["source/a.txt"]);
    assert_eq!(get(&["package/cd1/x.nfo"]), ["package/cd1/x.nfo"]);
    let error = downloaded(&server, &["package/y"]).unwrap_err().to_string();
    assert_eq!(error, "the release has no file package/y");
}

#[test]
fn url_that_has_ended_is_asked_for_again() {
    let files = downloaded(&server_with_files(true), &[]).unwrap();
    assert_eq!(files, ["package/x.zip", "package/cd1/x.nfo"]);
}

#[test]
fn nothing_is_downloaded_if_one_file_exists() {
    let server = server_with_files(false);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cd1")).unwrap();
    fs::write(folder.path().join("cd1/x.nfo"), "mine").unwrap();
    let words = ["download", "42", "--to", folder.path().to_str().unwrap()];
    assert!(
        run_words(&server, &words)
            .unwrap_err()
            .to_string()
            .contains("--force")
    );
    assert!(!folder.path().join("x.zip").exists());
    run_words(&server, &[&words[..], &["--force"]].concat()).unwrap();
    assert_eq!(
        fs::read(folder.path().join("cd1/x.nfo")).unwrap(),
        b"package/cd1/x.nfo"
    );
}

#[test]
fn files_of_one_name_are_not_uploaded() {
    let server = TestServer::start(|_, _| Reply::Cut);
    for words in [
        &["upload", "42", "a/x.txt", "b/x.txt"][..],
        &["upload", "42", "a.txt", "b.txt", "--as", "c.txt"],
        &["upload", "42", ".."],
    ] {
        assert!(
            matches!(run_words(&server, words), Err(Error::Usage(_))),
            "{words:?}"
        );
    }
    assert!(server.received().is_empty());
}
