//! The messages of the WebSocket, in both directions. `asyncapi.yaml` describes them for clients.

use std::str::FromStr;

use api::{LineView, Problem, StatusView};
use jobs::{FieldReader, JobEventType, JobId, ReadFields, Summary, parse_object};
use serde::Serialize;
use store::Watched;

/// The largest message of a client, in bytes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;

/// A list of jobs that a client can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The caller's own jobs.
    Mine,
    /// The jobs of all users, for an admin.
    All,
}

impl FromStr for List {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mine" => Ok(Self::Mine),
            "all" => Ok(Self::All),
            _ => Err("must be mine or all"),
        }
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// A job.
    Job {
        /// Its id.
        job_id: JobId,
    },
    /// A list of jobs.
    Jobs {
        /// The list.
        jobs: List,
    },
}

/// A message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// Watch this.
    Subscribe(Target),
    /// No longer watch this.
    Unsubscribe(Target),
    /// Keep the connection open.
    Ping,
}

#[derive(Clone, Copy)]
enum Action {
    Subscribe,
    Unsubscribe,
    Ping,
}

impl FromStr for Action {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "subscribe" => Ok(Self::Subscribe),
            "unsubscribe" => Ok(Self::Unsubscribe),
            "ping" => Ok(Self::Ping),
            _ => Err("must be subscribe, unsubscribe or ping"),
        }
    }
}

impl ReadFields for ClientMessage {
    fn read_fields(fields: &mut FieldReader) -> Option<Self> {
        let action = fields.required("action", FieldReader::parsed::<Action>);
        if matches!(action, Some(Action::Ping)) {
            return Some(Self::Ping);
        }
        let job_id = fields.id::<JobId>("job_id");
        let jobs = fields.parsed::<List>("jobs");
        let target = match (job_id, jobs) {
            (Some(job_id), None) => Some(Target::Job { job_id }),
            (None, Some(jobs)) => Some(Target::Jobs { jobs }),
            (Some(_), Some(_)) => {
                fields.error("jobs", "must not be given with job_id");
                None
            }
            (None, None) => {
                // One of the two may be present but invalid.
                if !fields.has_errors() {
                    fields.error("job_id", "or jobs is required");
                }
                None
            }
        };
        Some(match action? {
            Action::Unsubscribe => Self::Unsubscribe(target?),
            Action::Subscribe | Action::Ping => Self::Subscribe(target?),
        })
    }
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// A problem that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(Problem::too_large("The message", MAX_MESSAGE_BYTES));
        }
        let object = parse_object(text.as_bytes()).map_err(Problem::malformed_body)?;
        Ok(FieldReader::read(object, "")?)
    }
}

/// A message to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The state of a job when its watch begins.
    Snapshot {
        /// The job.
        job_id: JobId,
        /// The `seq` of the last line of its log; 0 if it has none.
        to: u64,
        /// Its state.
        state: Box<StatusView>,
    },
    /// A job has changed.
    Update {
        /// The job.
        job_id: JobId,
        /// The `seq` of the first new line of its log.
        from: u64,
        /// The `seq` of the last line of its log.
        to: u64,
        /// Its state.
        state: Box<StatusView>,
        /// The new lines; `None` if they are too many for a message.
        #[serde(skip_serializing_if = "Option::is_none")]
        logs: Option<Vec<LineView>>,
    },
    /// The watch of a list has begun.
    Subscribed {
        /// The list.
        jobs: List,
    },
    /// A job of a watched list has changed its status.
    Job {
        /// The list.
        jobs: List,
        /// The transition.
        event: JobEventType,
        /// The job, as in lists.
        job: Box<Summary>,
    },
    /// The watch has ended.
    Unsubscribed(Target),
    /// There is no room for another watch: the client polls instead.
    Poll(Target),
    /// The message was refused.
    Refused {
        /// What it was about, if that is known.
        #[serde(flatten)]
        target: Option<Target>,
        /// The reason.
        problem: Box<Problem>,
    },
    /// The answer to a ping.
    Pong,
}

impl ServerMessage {
    /// Refuses a message about `target`.
    #[must_use]
    pub fn refused(target: Option<Target>, problem: Problem, request_id: Option<String>) -> Self {
        let problem = Box::new(problem.with_request_id(request_id));
        Self::Refused { target, problem }
    }
}

impl Target {
    /// Returns the target of a watched job.
    #[must_use]
    pub const fn job(job_id: JobId) -> Self {
        Self::Job { job_id }
    }

    /// Returns what a watch of `caller` on this target watches.
    pub(crate) const fn watched(self, caller: jobs::Caller) -> Watched {
        match self {
            Self::Job { job_id } => Watched::Job(job_id),
            Self::Jobs { jobs: List::Mine } => Watched::JobsOf(caller.user_id),
            Self::Jobs { jobs: List::All } => Watched::AllJobs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u64) -> Target {
        Target::job(id.try_into().unwrap())
    }

    fn refusal(text: &str) -> String {
        let problem = ClientMessage::parse(text).unwrap_err();
        serde_json::to_string(&problem).unwrap()
    }

    #[test]
    fn messages_of_clients_are_read() {
        let jobs = Target::Jobs { jobs: List::All };
        for (text, message) in [
            (
                r#"{"action": "subscribe", "job_id": 5}"#,
                ClientMessage::Subscribe(job(5)),
            ),
            (
                r#"{"action": "unsubscribe", "job_id": 5}"#,
                ClientMessage::Unsubscribe(job(5)),
            ),
            (
                r#"{"action": "subscribe", "jobs": "all"}"#,
                ClientMessage::Subscribe(jobs),
            ),
            (r#"{"action": "ping"}"#, ClientMessage::Ping),
        ] {
            assert_eq!(ClientMessage::parse(text).unwrap(), message);
        }
    }

    #[test]
    fn wrong_message_is_refused_by_field() {
        for (text, expected) in [
            ("subscribe", "malformed"),
            (r#"{"action": "watch", "job_id": 5}"#, "action must be"),
            (r#"{"job_id": 5}"#, "action is required"),
            (r#"{"action": "subscribe"}"#, "job_id or jobs is required"),
            (r#"{"action": "subscribe", "job_id": 0}"#, "job_id must be"),
            (
                r#"{"action": "subscribe", "jobs": "yours"}"#,
                "jobs must be",
            ),
            (
                r#"{"action": "subscribe", "job_id": 5, "jobs": "mine"}"#,
                "jobs must not be given with job_id",
            ),
            (
                r#"{"action": "subscribe", "job_id": 5, "job": 6}"#,
                "job is not a known field",
            ),
            (
                r#"{"action": "ping", "job_id": 5}"#,
                "job_id is not a known field",
            ),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text}: {refusal}");
            assert!(!refusal.contains(" more."), "{text}: {refusal}");
        }
        let large = format!(r#"{{"action": "{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
        assert!(refusal(&large).contains("too-large"));
    }

    #[test]
    fn answer_names_its_target() {
        let text = |message: &ServerMessage| serde_json::to_string(message).unwrap();
        let poll = ServerMessage::Poll(job(5));
        assert_eq!(text(&poll), r#"{"type":"poll","job_id":5}"#);
        let ended = ServerMessage::Unsubscribed(Target::Jobs { jobs: List::Mine });
        assert_eq!(text(&ended), r#"{"type":"unsubscribed","jobs":"mine"}"#);
        let problem = Problem::not_found(api::Resource::Job);
        let refused = ServerMessage::refused(Some(job(5)), problem, Some("r".to_owned()));
        let refused = text(&refused);
        assert!(refused.starts_with(r#"{"type":"refused","job_id":5,"problem":{"#));
        assert!(refused.contains(r#""request_id":"r""#));
    }
}
