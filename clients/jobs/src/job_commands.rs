//! The commands about jobs.

use serde_json::{Map, Value, json};
use ureq::http::Method;

use crate::{
    args::{self, Command},
    error::Error,
    follow::{LogQuery, log_text, read_log},
    http::{Call, Client, new_key},
    job_config,
    output::Output,
    pages::{List, joined, number},
    release_commands, view,
    watch::{Outcome, watch},
};

/// Runs a command that needs the API.
pub fn run(client: &Client, output: &Output, command: Command) -> Result<Outcome, Error> {
    match command {
        Command::Submit(args) => return submit(client, output, args),
        Command::SubmitDraft(args) => return submit_draft(client, output, &args),
        Command::Retry(args) => return retry(client, output, args),
        Command::Watch(job) => return watch(client, output, job.id),
        Command::Me => me(client, output)?,
        Command::List(args) => list(client, output, &args)?,
        Command::Show(job) => show(client, output, job.id)?,
        Command::Logs(args) => logs(client, output, args)?,
        Command::Cancel(args) => cancel(client, output, &args)?,
        Command::Release(command) => release_commands::run(client, output, command)?,
        Command::Login(_) => unreachable!("login needs no client"),
    }
    Ok(Outcome::Success)
}

/// Prints an answer as JSON, or as lines for people.
pub fn print(
    output: &Output,
    answer: &Value,
    view: impl FnOnce(&Value) -> Vec<String>,
) -> Result<(), Error> {
    if output.is_json {
        output.document(answer)
    } else {
        output.lines(view(answer))
    }
}

/// Says who the token's user is.
pub fn me_text(me: &Value) -> String {
    let role = if me["admin"] == true { "admin" } else { "user" };
    let until = me["expires_at"].as_str().unwrap_or_default();
    format!("{role} {}, until {until}", me["user_id"])
}

fn me(client: &Client, output: &Output) -> Result<(), Error> {
    let me = client.get("read who you are", "/api/me".to_owned())?;
    print(output, &me, |me| vec![me_text(me)])
}

fn list(client: &Client, output: &Output, args: &args::ListJobs) -> Result<(), Error> {
    let list = List {
        action: "list jobs",
        path: "/api/jobs".to_owned(),
        entries: "jobs",
        parameters: vec![
            ("status", joined(&args.status)),
            ("job_type", joined(&args.job_type)),
            ("release_id", number(args.release)),
            ("user_id", number(args.paging.user)),
            ("limit", number(args.paging.limit)),
        ],
    };
    list.print(client, output, &args.paging, view::jobs)
}

fn show(client: &Client, output: &Output, job: u64) -> Result<(), Error> {
    let details = client.get("read the job", format!("/api/jobs/{job}"))?;
    print(output, &details, view::job)
}

fn logs(client: &Client, output: &Output, args: args::Logs) -> Result<(), Error> {
    let query = LogQuery {
        job: args.job.id,
        level: args.level,
        is_followed: args.follow,
    };
    read_log(client, &query, |line| {
        if output.is_json {
            output.json_line(line)
        } else {
            output.line(&log_text(line))
        }
    })
}

fn cancel(client: &Client, output: &Output, args: &args::Cancel) -> Result<(), Error> {
    let reason = args.reason.as_ref();
    let answer = client.send(&Call {
        action: "cancel the job",
        method: Method::PUT,
        path: format!("/api/jobs/{}/cancel", args.job.id),
        body: Some(reason.map_or_else(|| json!({}), |reason| json!({"reason": reason}))),
        key: None,
    })?;
    print(output, &answer, |answer| {
        let stops_by = answer["stops_by"].as_str();
        let stops_by = stops_by.map(|time| format!("; it stops by {time}"));
        let stops_by = stops_by.unwrap_or_default();
        vec![format!("Job {} is cancelled{stops_by}", answer["job_id"])]
    })
}

fn submit(client: &Client, output: &Output, args: args::Submit) -> Result<Outcome, Error> {
    let mut body = Map::new();
    body.insert("job_type".to_owned(), json!(args.job_type));
    body.insert(
        "config_json".to_owned(),
        json!(job_config::parse(&args.config.config)?),
    );
    if let Some(release) = args.release {
        body.insert("release_id".to_owned(), json!(release));
    }
    if args.draft {
        body.insert("draft".to_owned(), json!(true));
    }
    let job = client.send(&Call {
        action: "submit the job",
        method: Method::POST,
        path: "/api/jobs".to_owned(),
        body: Some(Value::Object(body)),
        key: Some(args.idempotency_key.unwrap_or_else(new_key)),
    })?;
    finish(client, output, &job, args.watch)
}

fn submit_draft(
    client: &Client,
    output: &Output,
    args: &args::SubmitDraft,
) -> Result<Outcome, Error> {
    let job = client.send(&Call {
        action: "submit the draft",
        method: Method::PUT,
        path: format!("/api/jobs/{}/submit", args.job.id),
        body: Some(json!({})),
        key: None,
    })?;
    finish(client, output, &job, args.watch)
}

fn retry(client: &Client, output: &Output, args: args::Retry) -> Result<Outcome, Error> {
    let config = job_config::parse(&args.config.config)?;
    let body = if config.is_empty() {
        json!({})
    } else {
        json!({"config_json": config})
    };
    let job = client.send(&Call {
        action: "retry the job",
        method: Method::POST,
        path: format!("/api/jobs/{}/retry", args.job.id),
        body: Some(body),
        key: Some(args.idempotency_key.unwrap_or_else(new_key)),
    })?;
    finish(client, output, &job, args.watch)
}

/// Prints a new job, or watches it.
fn finish(
    client: &Client,
    output: &Output,
    job: &Value,
    is_watched: bool,
) -> Result<Outcome, Error> {
    if !is_watched {
        print(output, job, |job| vec![view::job_created(job)])?;
        return Ok(Outcome::Success);
    }
    output.note(&view::job_created(job));
    let id = job["id"].as_u64();
    let message = "the answer has no job; is the API's address right?";
    let id = id.ok_or_else(|| Error::Failed(message.to_owned()))?;
    watch(client, output, id)
}

#[cfg(test)]
#[path = "job_commands_tests.rs"]
mod tests;
