//! Jobs and releases as people read them.

use serde_json::Value;

use crate::output::{cell, table};

/// The fields of a job's details in the order of their lines.
const JOB_FIELDS: [&str; 16] = [
    "id",
    "job_type",
    "status",
    "progress",
    "step",
    "message",
    "release_id",
    "attempt",
    "created_by",
    "created_at",
    "started_at",
    "finished_at",
    "retry_of",
    "retried_by",
    "config_json",
    "result",
];

const RELEASE_FIELDS: [&str; 7] = [
    "id",
    "release_type",
    "name",
    "group",
    "user_id",
    "created_at",
    "metadata",
];

/// Lists jobs, a line each.
pub fn jobs(jobs: &[Value]) -> Vec<String> {
    let head = [
        "ID", "STATUS", "TYPE", "RELEASE", "USER", "%", "CREATED", "ERROR",
    ];
    let row = |job: &Value| {
        let fields = [
            "id",
            "status",
            "job_type",
            "release_id",
            "created_by",
            "progress",
        ];
        let mut row: Vec<String> = fields.iter().map(|field| cell(job, field)).collect();
        row.push(cell(job, "created_at"));
        row.push(cell(&job["error"], "code"));
        row
    };
    table(&head, &jobs.iter().map(row).collect::<Vec<_>>())
}

/// Lists releases, a line each.
pub fn releases(releases: &[Value]) -> Vec<String> {
    let head = [
        "ID", "TYPE", "NAME", "GROUP", "USER", "PACKAGE", "CREATED", "TITLE",
    ];
    let row = |release: &Value| {
        let version = &release["package"]["version"];
        vec![
            cell(release, "id"),
            cell(release, "release_type"),
            cell(release, "name"),
            cell(release, "group"),
            cell(release, "user_id"),
            version
                .as_u64()
                .map_or("-".to_owned(), |it| format!("v{it}")),
            cell(release, "created_at"),
            cell(release, "title"),
        ]
    };
    table(&head, &releases.iter().map(row).collect::<Vec<_>>())
}

/// Lists files, a line each, without their signed URLs.
pub fn files(files: &[Value]) -> Vec<String> {
    let row = |file: &Value| {
        ["size", "last_modified", "path"]
            .map(|it| cell(file, it))
            .to_vec()
    };
    table(
        &["SIZE", "MODIFIED", "PATH"],
        &files.iter().map(row).collect::<Vec<_>>(),
    )
}

/// Shows a job's details: its fields, its attempts and the end of its log.
pub fn job(job: &Value) -> Vec<String> {
    let mut lines = fields(job, &JOB_FIELDS);
    if !job["error"].is_null() {
        lines.push(format!("error: {}", failure(&job["error"])));
    }
    if !job["waiting_for"].is_null() {
        lines.push(format!("waiting_for: {}", job["waiting_for"]));
    }
    if job["status"] == "cancelled" {
        lines.push(job_end(job));
    }
    for attempt in job["attempts"].as_array().into_iter().flatten() {
        let number = cell(attempt, "attempt");
        let (start, outcome) = (cell(attempt, "started_at"), cell(attempt, "outcome"));
        lines.push(format!("attempt {number}: {outcome}, started {start}"));
    }
    let log = job["logs"].as_str().unwrap_or_default();
    lines.extend(log.lines().map(str::to_owned));
    lines
}

/// Shows a release.
pub fn release(release: &Value) -> Vec<String> {
    let mut lines = fields(release, &RELEASE_FIELDS);
    let replaced = release["replaced_packages"]
        .as_array()
        .into_iter()
        .flatten();
    for (label, package) in std::iter::once(("package", &release["package"]))
        .chain(replaced.map(|package| ("replaced package", package)))
        .filter(|(_, package)| !package.is_null())
    {
        let (version, job) = (cell(package, "version"), cell(package, "job_id"));
        let since = cell(package, "since");
        lines.push(format!(
            "{label}: version {version} of job {job}, since {since}"
        ));
    }
    lines
}

/// Says in one line that a job was created.
pub fn job_created(job: &Value) -> String {
    let [id, job_type, release, status] =
        ["id", "job_type", "release_id", "status"].map(|field| cell(job, field));
    format!("Job {id} ({job_type}, release {release}) is {status}")
}

/// Says in one line how a job ended.
pub fn job_end(job: &Value) -> String {
    let id = cell(job, "id");
    match job["status"].as_str() {
        Some("completed") => format!("Job {id} completed"),
        Some("failed") => format!("Job {id} failed: {}", failure(&job["error"])),
        Some("cancelled") => {
            let by = &job["cancelled_by"];
            let role = if by["admin"] == true { "admin" } else { "user" };
            let reason = job["cancel_reason"].as_str();
            let reason = reason
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            format!(
                "Job {id} was cancelled by {role} {}{reason}",
                cell(by, "user_id")
            )
        }
        _ => format!("Job {id} is {}", cell(job, "status")),
    }
}

fn failure(error: &Value) -> String {
    format!("{} ({})", cell(error, "message"), cell(error, "code"))
}

/// Lists the fields that have a value.
fn fields(value: &Value, names: &[&str]) -> Vec<String> {
    let present = names.iter().filter(|name| !value[**name].is_null());
    present
        .map(|name| format!("{name}: {}", cell(value, name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn jobs_are_a_table() {
        let jobs = jobs(&[
            json!({"id": 245, "status": "failed", "job_type": "nfofix", "release_id": 42,
                "created_by": 7, "progress": null, "created_at": "T",
                "error": {"code": "nfo_missing", "message": "There is no NFO."}}),
            json!({"id": 6, "status": "completed", "job_type": "packaging", "release_id": 42,
                "created_by": 7, "progress": 100, "created_at": "T", "error": null}),
        ]);
        assert_eq!(
            jobs,
            [
                "ID   STATUS     TYPE       RELEASE  USER  %    CREATED  ERROR",
                "245  failed     nfofix     42       7     -    T        nfo_missing",
                "6    completed  packaging  42       7     100  T        -",
            ]
        );
    }

    #[test]
    fn end_of_a_job_says_why() {
        let failed = json!({"id": 5, "status": "failed",
            "error": {"code": "nfo_missing", "message": "There is no NFO."}});
        assert_eq!(
            job_end(&failed),
            "Job 5 failed: There is no NFO. (nfo_missing)"
        );
        let cancelled = json!({"id": 5, "status": "cancelled", "cancel_reason": "Wrong file",
            "cancelled_by": {"user_id": 1, "admin": true}});
        assert_eq!(
            job_end(&cancelled),
            "Job 5 was cancelled by admin 1: Wrong file"
        );
        let completed = json!({"id": 5, "status": "completed"});
        assert_eq!(job_end(&completed), "Job 5 completed");
    }

    #[test]
    fn details_have_the_attempts_and_the_log() {
        let details = json!({"id": 5, "status": "running", "job_type": "analysis", "error": null,
            "attempts": [{"attempt": 1, "started_at": "T", "outcome": "crashed"}],
            "logs": "one\ntwo\n", "waiting_for": null});
        let lines = job(&details);
        assert_eq!(lines[..2], ["id: 5", "job_type: analysis"]);
        assert_eq!(lines[3..], ["attempt 1: crashed, started T", "one", "two"]);
    }

    #[test]
    fn files_are_listed_without_their_signed_urls() {
        let file =
            json!({"path": "source/a.txt", "size": 3, "last_modified": "T", "url": "https://s"});
        assert_eq!(files(&[file])[1], "3     T         source/a.txt");
    }

    #[test]
    fn release_shows_its_packages() {
        let lines = release(&json!({"id": 42, "release_type": "ebook", "name": null,
            "package": {"job_id": 6, "version": 2, "since": "T"},
            "replaced_packages": [{"job_id": 5, "version": 1, "since": "S"}]}));
        assert_eq!(
            lines,
            [
                "id: 42",
                "release_type: ebook",
                "package: version 2 of job 6, since T",
                "replaced package: version 1 of job 5, since S",
            ]
        );
    }
}
