//! Tests of downloads: complete or not at all, and nowhere else.

use super::*;
use crate::test_server::{Reply, TestServer};

const CONTENT: &[u8] = b"Once upon a time";

fn target(folder: &Path, is_forced: bool) -> Target {
    Target {
        folder: folder.to_owned(),
        is_forced,
    }
}

fn listed(server: &TestServer, path: &str) -> ListedFile {
    ListedFile {
        path: path.to_owned(),
        size: CONTENT.len() as u64,
        url: format!("{}/bucket/file?Signature=s", server.url),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn whole() -> Reply {
    Reply::Answer(200, "", CONTENT.to_vec())
}

#[test]
fn file_is_complete_after_cuts_and_sent_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(|number, _| match number {
        0 => Reply::Cut,
        1 => Reply::CutBody(CONTENT.to_vec()),
        2 => Reply::Answer(503, "", Vec::new()),
        _ => whole(),
    });
    let file = listed(&server, "package/cd1/a.txt");
    let target = target(folder.path(), false);
    let path = download(&server.client(), &Output::new(false), &file, &target).unwrap();
    assert_eq!(path, folder.path().join("cd1/a.txt"));
    assert_eq!(fs::read(path).unwrap(), CONTENT);
    assert_eq!(names(&folder.path().join("cd1")), ["a.txt"]);
    let received = server.received();
    assert_eq!(received.len(), 4);
    assert!(
        received
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[test]
fn failed_download_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let replies: [fn() -> Reply; 3] = [
        || Reply::Answer(403, "", b"<Error/>".to_vec()),
        || Reply::CutBody(CONTENT.to_vec()),
        // A file that has grown since it was listed.
        || Reply::Answer(200, "", CONTENT.repeat(2)),
    ];
    for reply in replies {
        let server = TestServer::start(move |_, _| reply());
        let file = listed(&server, "package/a.txt");
        let target = target(folder.path(), false);
        let result = download(&server.client(), &Output::new(false), &file, &target);
        let text = result.unwrap_err().to_string();
        assert!(!text.contains("Signature"), "{text}");
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn existing_file_is_replaced_by_force_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, "mine").unwrap();
    let server = TestServer::start(|_, _| whole());
    let file = listed(&server, "package/a.txt");
    let get = |is_forced| {
        let target = target(folder.path(), is_forced);
        download(&server.client(), &Output::new(false), &file, &target)
    };
    assert!(get(false).unwrap_err().to_string().contains("--force"));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert!(server.received().is_empty());
    get(true).unwrap();
    assert_eq!(fs::read(&path).unwrap(), CONTENT);
}

#[test]
fn file_that_appears_during_the_download_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let other = path.clone();
    let server = TestServer::start(move |_, _| {
        fs::write(&other, "mine").unwrap();
        whole()
    });
    let file = listed(&server, "package/a.txt");
    let target = target(folder.path(), false);
    let result = download(&server.client(), &Output::new(false), &file, &target);
    assert!(result.unwrap_err().to_string().contains("--force"));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(names(folder.path()), ["a.txt"]);
}

#[test]
fn path_cannot_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), true);
    for bad in [
        "package/../a.txt",
        "package/a/../../b.txt",
        "package//etc/passwd",
        "package/a\\..\\b.txt",
        "package/C:a.txt",
        "package/.",
        "package/..",
        "package/",
        "package",
        "",
        "package/a\0b",
    ] {
        assert!(target.prepare(bad).is_err(), "{bad}");
    }
    assert!(names(folder.path()).is_empty());
    assert!(target.prepare("package/..a/b..c").is_ok());
}

#[cfg(unix)]
#[test]
fn link_does_not_lead_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("cd1")).unwrap();
    let error = target(folder.path(), true).prepare("package/cd1/x/a.txt");
    assert!(error.unwrap_err().to_string().contains("is not a folder"));
    assert!(names(outside.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn file_has_the_mode_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(|_, _| whole());
    let file = listed(&server, "package/a.txt");
    let target = target(folder.path(), false);
    let path = download(&server.client(), &Output::new(false), &file, &target).unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}
