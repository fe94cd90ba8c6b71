//! Snapshots of answers, without the values that differ from run to run.
#![expect(
    clippy::needless_pass_by_value,
    reason = "the signature of a redaction"
)]

use std::{collections::BTreeSet, fs, path::Path};

use insta::{
    Settings, assert_json_snapshot,
    internals::{Content, ContentPath},
};
use jobs::Time;

use crate::common::Answer;

const FOLDER: &str = "../snapshots";
const IDS: [&str; 5] = ["id", "job_id", "release_id", "retried_by", "retry_of"];
const TIMES: [&str; 12] = [
    "cancelled_at",
    "created_at",
    "ended_at",
    "expires_at",
    "finished_at",
    "last_modified",
    "since",
    "started_at",
    "stops_by",
    "timestamp",
    "until",
    "updated_at",
];

/// Compares an answer with its snapshot, `tests/tests/snapshots/<name>.snap`.
pub fn assert_snapshot(name: &str, answer: &Answer) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(FOLDER);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for id in IDS {
        settings.add_dynamic_redaction(&format!(".**.{id}"), redact_id);
    }
    for time in TIMES {
        settings.add_dynamic_redaction(&format!(".**.{time}"), redact_time);
    }
    settings.add_redaction(".headers[\"content-length\"]", "[length]");
    settings.add_dynamic_redaction(".body.logs", redact_log);
    settings.add_dynamic_redaction(".body", redact_log);
    settings.add_dynamic_redaction(".**.message", redact_message);
    settings.add_dynamic_redaction(".headers.location", redact_location);
    settings.add_dynamic_redaction(".body.next_cursor", redact_text);
    settings.add_dynamic_redaction(".body.**.url", redact_text);
    settings.add_dynamic_redaction(".body.version", redact_text);
    settings.add_dynamic_redaction(".body.ticket", redact_text);
    settings.bind(|| assert_json_snapshot!(name, answer));
}

/// Compares the snapshots whose names start with `prefix` with those that a test has taken.
pub fn assert_no_others(prefix: &str, taken: &BTreeSet<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let stored: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let name = name.strip_suffix(".snap")?;
            name.starts_with(prefix).then(|| name.to_owned())
        })
        .collect();
    assert_eq!(&stored, taken);
}

fn redact_id(id: Content, _: ContentPath) -> Content {
    if id.is_nil() {
        return id;
    }
    assert!(id.as_u64().is_some(), "{id:?}");
    "[id]".into()
}

fn redact_time(time: Content, path: ContentPath) -> Content {
    if time.is_nil() {
        return time;
    }
    let parsed = time.as_str().map(str::parse::<Time>);
    assert!(matches!(parsed, Some(Ok(_))), "{path}: {time:?}");
    "[time]".into()
}

/// Replaces the ids in a text: its only numbers of more than nine digits.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| word.len() > 9 && word.bytes().all(|byte| byte.is_ascii_digit());
    let words = text.split(' ');
    let words = words.map(|word| Some(word).filter(|word| !is_id(word)).unwrap_or("[id]"));
    words.collect::<Vec<_>>().join(" ")
}

fn redact_message(message: Content, _: ContentPath) -> Content {
    match message.as_str() {
        Some(text) => without_ids(text).into(),
        None => message,
    }
}

/// Redacts the time at the start of each line, and the ids.
fn redact_log(log: Content, _: ContentPath) -> Content {
    let Some(text) = log.as_str() else {
        return log;
    };
    let line = |line: &str| {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.parse::<Time>().is_ok(), "{line}");
        format!("[time] {}\n", without_ids(rest))
    };
    text.lines().map(line).collect::<String>().into()
}

fn redact_location(location: Content, _: ContentPath) -> Content {
    let part = |part: &str| match part.parse::<u64>() {
        Ok(_) => "[id]".to_owned(),
        Err(_) => part.to_owned(),
    };
    let parts: Vec<String> = location.as_str().unwrap().split('/').map(part).collect();
    parts.join("/").into()
}

fn redact_text(text: Content, path: ContentPath) -> Content {
    if text.is_nil() {
        return text;
    }
    assert!(text.as_str().is_some(), "{path}: {text:?}");
    "[redacted]".into()
}
