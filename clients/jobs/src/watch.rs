//! Watches a job until it ends, and turns its end into an exit status.

use std::{process::ExitCode, time::Duration};

use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::Error,
    follow::{Follower, Poll, follow},
    http::{Client, typed},
    live::Push,
    output::Output,
    view,
};

/// The elapsed time moves on between two polls.
const TICK_INTERVAL: Duration = Duration::from_millis(500);

/// The end of a command without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The command did its work, or the watched job completed.
    Success,
    /// The watched job failed.
    Failed,
    /// The watched job was cancelled.
    Cancelled,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::SUCCESS,
            Outcome::Failed => Self::FAILURE,
            Outcome::Cancelled => Self::from(2),
        }
    }
}

/// The parts of a job's status that the client uses.
#[derive(Deserialize)]
struct JobStatus {
    status: String,
    progress: u64,
    step: Option<String>,
    message: Option<String>,
    poll_after: Option<u64>,
}

impl JobStatus {
    fn outcome(&self) -> Option<Outcome> {
        match self.status.as_str() {
            "completed" => Some(Outcome::Success),
            "failed" => Some(Outcome::Failed),
            "cancelled" => Some(Outcome::Cancelled),
            _ => None,
        }
    }

    /// Returns the status, the step and its message, as far as they are known.
    fn text(&self, waiting_for: &Value) -> String {
        let waiting = waiting_for["reason"].as_str();
        let waiting = waiting.map(|reason| format!("waiting for {}", reason.replace('_', " ")));
        let parts = [self.step.clone(), self.message.clone(), waiting];
        let parts = std::iter::once(self.status.clone()).chain(parts.into_iter().flatten());
        parts.collect::<Vec<_>>().join("  ")
    }
}

/// Watches a job until it ends, and prints its end.
pub fn watch(client: &Client, output: &Output, job: u64) -> Result<Outcome, Error> {
    let outcome = wait_for_end(client, output, job)?;
    let details = client.get("read the job", format!("/api/jobs/{job}"))?;
    if output.is_json {
        output.document(&details)?;
    } else {
        output.line(&view::job_end(&details))?;
    }
    Ok(outcome)
}

fn wait_for_end(client: &Client, output: &Output, job: u64) -> Result<Outcome, Error> {
    let bar = output.percent_bar("");
    bar.enable_steady_tick(TICK_INTERVAL);
    let mut watcher = Watcher {
        client,
        output,
        job,
        bar,
        latest: Value::Null,
        outcome: None,
        shown: String::new(),
    };
    let followed = follow(client, job, &mut watcher);
    watcher.bar.finish_and_clear();
    followed?;
    let outcome = watcher.outcome;
    outcome.ok_or_else(|| Error::not_the_api("read the job"))
}

/// A job as it was shown last.
struct Watcher<'a> {
    client: &'a Client,
    output: &'a Output,
    job: u64,
    bar: ProgressBar,
    /// The latest state.
    latest: Value,
    /// The job's end.
    outcome: Option<Outcome>,
    shown: String,
}

impl Watcher<'_> {
    /// Shows a state, unless a later one was shown. Returns the wait for the next.
    fn see(&mut self, state: Value) -> Result<Option<u64>, Error> {
        let updated_at = |state: &Value| state["updated_at"].as_str().map(str::to_owned);
        // Times of the API are in order as texts.
        let is_late = updated_at(&state) < updated_at(&self.latest);
        let status: JobStatus = typed("read the job", state.clone())?;
        let outcome = status.outcome();
        if self.outcome.is_some() || (is_late && outcome.is_none()) {
            return Ok(status.poll_after);
        }
        self.outcome = outcome;
        if status.status == "draft" {
            let job = self.job;
            let message = format!("job {job} is a draft; run 'jobs submit-draft {job}' first");
            return Err(Error::Failed(message));
        }
        if outcome.is_none() {
            let waiting_for = &state["waiting_for"];
            show(
                self.output,
                &self.bar,
                &status,
                waiting_for,
                &mut self.shown,
            );
        }
        self.latest = state;
        Ok(status.poll_after)
    }
}

impl Follower for Watcher<'_> {
    fn poll(&mut self) -> Result<Poll, Error> {
        if self.outcome.is_none() {
            let path = format!("/api/jobs/{}/status", self.job);
            let state = self.client.get("read the job", path)?;
            let poll_after = self.see(state)?;
            if self.outcome.is_none() {
                return Ok(Poll::after(poll_after));
            }
        }
        Ok(Poll::Finished)
    }

    fn push(&mut self, push: Push) -> Result<(), Error> {
        self.see(push.state).map(|_| ())
    }

    fn is_behind(&self) -> bool {
        self.outcome.is_some()
    }
}

/// Moves the bar, or notes a change where there are no bars.
fn show(
    output: &Output,
    bar: &ProgressBar,
    status: &JobStatus,
    waiting_for: &Value,
    shown: &mut String,
) {
    let text = status.text(waiting_for);
    bar.set_position(status.progress);
    bar.set_message(crate::output::clean(&text).into_owned());
    let line = format!("{:>3} %  {text}", status.progress);
    if !output.has_bars() && line != *shown {
        output.note(&line);
        *shown = line;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer, ok};

    fn status(status: &str, progress: u64) -> Reply {
        ok(&json!({
            "job_id": 5, "status": status, "progress": progress, "step": null, "message": null,
            "poll_after": 1, "waiting_for": null, "error": null,
        })
        .to_string())
    }

    fn watched(end: &'static str) -> Result<Outcome, Error> {
        let server = TestServer::start(move |number, request| match number {
            0 => status("pending", 0),
            1 => Reply::Cut,
            2 => status("running", 65),
            _ if request.path.ends_with("/status") => status(end, 80),
            _ => ok(&json!({"id": 5, "status": end, "error": null}).to_string()),
        });
        watch(&server.client(), &Output::new(false), 5)
    }

    #[test]
    fn each_end_has_its_own_exit_status() {
        for (end, outcome, code) in [
            ("completed", Outcome::Success, 0),
            ("failed", Outcome::Failed, 1),
            ("cancelled", Outcome::Cancelled, 2),
        ] {
            assert_eq!(watched(end).unwrap(), outcome);
            assert_eq!(ExitCode::from(outcome), ExitCode::from(code));
        }
    }

    #[test]
    fn draft_is_not_waited_for() {
        let error = watched("draft").unwrap_err().to_string();
        assert!(error.contains("submit-draft 5"), "{error}");
    }

    #[test]
    fn status_says_what_a_job_waits_for() {
        let waiting: JobStatus = serde_json::from_value(json!({
            "status": "pending", "progress": 0, "step": null, "message": null, "poll_after": 2,
        }))
        .unwrap();
        let text = waiting.text(&json!({"reason": "user_limit", "limit": 4}));
        assert_eq!(text, "pending  waiting for user limit");
    }
}
