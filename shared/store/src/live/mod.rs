//! The live channel: tickets to connect with, who watches what, and the changes that are pushed.

mod change;
mod tickets;
mod watches;

use std::time::Duration;

use jobs::{Caller, JobId, Session, Time, UserId};
use serde::{Deserialize, Serialize};

pub use self::{
    change::JobChange,
    watches::{Connection, Watcher},
};

/// The longest time that API Gateway keeps a WebSocket connection (Amazon API Gateway Developer
/// Guide, "Quotas for configuring and running a WebSocket API").
const MAX_CONNECTION_TIME: Duration = Duration::from_hours(2);

/// A session as it is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SessionItem {
    user_id: UserId,
    admin: bool,
    session_ends: i64,
}

impl From<Session> for SessionItem {
    fn from(session: Session) -> Self {
        Self {
            user_id: session.caller.user_id,
            admin: session.caller.admin,
            session_ends: session.expires_at.millis(),
        }
    }
}

impl From<SessionItem> for Session {
    fn from(item: SessionItem) -> Self {
        Self {
            caller: Caller {
                user_id: item.user_id,
                admin: item.admin,
            },
            expires_at: Time::from_millis(item.session_ends),
        }
    }
}

/// What a client watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watched {
    /// One job.
    Job(JobId),
    /// The list of a user's jobs.
    JobsOf(UserId),
    /// The list of all jobs.
    AllJobs,
}

impl Watched {
    /// The part of the keys that names it.
    fn key(self) -> String {
        match self {
            Self::Job(id) => format!("JOB#{id}"),
            Self::JobsOf(user) => format!("USER#{user}"),
            Self::AllJobs => "ALL".to_owned(),
        }
    }

    /// Reads the part of a key; `None` if it names nothing.
    fn parse(key: &str) -> Option<Self> {
        match key.split_once('#') {
            Some(("JOB", id)) => id.parse().ok().map(Self::Job),
            Some(("USER", id)) => id.parse().ok().map(Self::JobsOf),
            Some(_) => None,
            None => (key == "ALL").then_some(Self::AllJobs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_names_what_is_watched() {
        let job = Watched::Job(5.try_into().unwrap());
        let jobs = Watched::JobsOf(7.try_into().unwrap());
        for watched in [job, jobs, Watched::AllJobs] {
            assert_eq!(Watched::parse(&watched.key()), Some(watched));
        }
        assert_eq!(Watched::parse("RELEASE#5"), None);
        assert_eq!(Watched::parse("JOB#"), None);
    }
}
