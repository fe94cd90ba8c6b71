//! Every route, called in this process as an owner, a stranger and an admin.

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod job;
mod limits;
mod lists;
mod problems;
mod releases;
mod snapshots;
mod submissions;
mod wizard;

use serde_json::Value;

/// Returns the ids of the jobs on a page.
fn ids(page: &Value) -> Vec<u64> {
    page["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_u64().unwrap())
        .collect()
}

/// Returns the fields that a problem names.
fn fields(problem: &Value) -> Vec<&str> {
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}
