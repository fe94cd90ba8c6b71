//! The server's side of a WebSocket: opens and closes connections, and answers their messages.

use api::{Problem, Resource, StatusView, allow_job};
use aws::AwsError;
use jobs::{Clock, Job, JobId, Session};
use store::{Connection, Store, Watched};

use crate::{ClientMessage, Connections, List, PostOutcome, ServerMessage, Target};

/// The most jobs that a connection can watch.
const MAX_JOBS: usize = 20;
/// The most connections that can watch one job or one list.
pub(crate) const MAX_WATCHERS: usize = 100;

/// The server's side of the WebSocket API.
#[derive(Clone, Debug)]
pub struct LiveSocket {
    store: Store,
    connections: Connections,
    clock: Clock,
}

impl LiveSocket {
    /// Creates it from what it uses.
    #[must_use]
    pub const fn new(store: Store, connections: Connections, clock: Clock) -> Self {
        Self {
            store,
            connections,
            clock,
        }
    }

    /// Opens a connection for the session of its ticket.
    ///
    /// # Errors
    /// If DynamoDB fails.
    pub async fn open(&self, id: &str, session: Session) -> Result<(), AwsError> {
        let now = self.clock.now();
        self.store.open_connection(id, session, now).await
    }

    /// Forgets a connection that was closed, and its watches.
    ///
    /// # Errors
    /// If DynamoDB fails.
    pub async fn close(&self, id: &str) -> Result<(), AwsError> {
        self.store.close_connection(id).await
    }

    /// Answers a message. Returns the problem with which it was refused, if it was.
    pub async fn receive(
        &self,
        id: &str,
        text: &str,
        request_id: Option<String>,
    ) -> Option<Problem> {
        let (target, answer) = match ClientMessage::parse(text) {
            Ok(message) => (message.target(), self.answer(id, message).await),
            Err(problem) => (None, Err(problem)),
        };
        let (answer, refusal) = match answer {
            Ok(Some(answer)) => (answer, None),
            Ok(None) => {
                self.connections.close(id).await;
                return None;
            }
            Err(problem) => {
                let answer = ServerMessage::refused(target, problem.clone(), request_id);
                (answer, Some(problem))
            }
        };
        if self.connections.post(id, &answer).await == PostOutcome::Gone {
            tracing::info!(
                connection = id,
                "the connection was closed before its answer"
            );
        }
        refusal
    }

    /// Returns the answer to a message; `None` if the connection must be closed, because its session
    /// has ended.
    async fn answer(
        &self,
        id: &str,
        message: ClientMessage,
    ) -> Result<Option<ServerMessage>, Problem> {
        if message == ClientMessage::Ping {
            return Ok(Some(ServerMessage::Pong));
        }
        let connection = self.store.connection(id).await?;
        let now = self.clock.now();
        let connection = connection.filter(|found| now < found.session.expires_at);
        let Some(connection) = connection else {
            return Ok(None);
        };
        let answer = match message {
            ClientMessage::Subscribe(Target::Job { job_id }) => {
                self.subscribe(&connection, job_id).await?
            }
            ClientMessage::Subscribe(Target::Jobs { jobs }) => {
                self.subscribe_to_list(&connection, jobs).await?
            }
            ClientMessage::Unsubscribe(target) => {
                let watched = target.watched(connection.session.caller);
                self.store.unwatch(id, watched).await?;
                ServerMessage::Unsubscribed(target)
            }
            ClientMessage::Ping => ServerMessage::Pong,
        };
        Ok(Some(answer))
    }

    /// Begins to watch a job. The watch is stored before the job is read, so that each later change
    /// is pushed.
    async fn subscribe(
        &self,
        connection: &Connection,
        id: JobId,
    ) -> Result<ServerMessage, Problem> {
        let caller = connection.session.caller;
        let job = allow_job(caller, self.store.job(id, false).await?)?;
        if job.status().is_final() {
            return Ok(self.snapshot(job));
        }
        let watched = Watched::Job(id);
        if !connection.watches.contains(&watched) {
            let is_job = |watched: &&Watched| matches!(watched, Watched::Job(_));
            let jobs = connection.watches.iter().filter(is_job).count();
            if jobs >= MAX_JOBS || self.is_full(watched).await? {
                return Ok(ServerMessage::Poll(Target::job(id)));
            }
        }
        self.watch(connection, watched).await?;
        let job = self.store.mark_watched(id).await?;
        let job = job.ok_or_else(|| Problem::not_found(Resource::Job))?;
        Ok(self.snapshot(job))
    }

    async fn subscribe_to_list(
        &self,
        connection: &Connection,
        jobs: List,
    ) -> Result<ServerMessage, Problem> {
        let caller = connection.session.caller;
        if jobs == List::All && !caller.admin {
            return Err(Problem::admins_only("watch the jobs of all users"));
        }
        let target = Target::Jobs { jobs };
        let watched = target.watched(caller);
        if !connection.watches.contains(&watched) && self.is_full(watched).await? {
            return Ok(ServerMessage::Poll(target));
        }
        self.watch(connection, watched).await?;
        Ok(ServerMessage::Subscribed { jobs })
    }

    /// Stores a watch, also one that the connection has: an item of it may be missing.
    async fn watch(&self, connection: &Connection, watched: Watched) -> Result<(), AwsError> {
        let now = self.clock.now();
        self.store.watch(connection, watched, now).await
    }

    async fn is_full(&self, watched: Watched) -> Result<bool, AwsError> {
        let count = self.store.count_watchers(watched, MAX_WATCHERS).await?;
        Ok(count >= MAX_WATCHERS)
    }

    fn snapshot(&self, job: Job) -> ServerMessage {
        ServerMessage::Snapshot {
            job_id: job.id,
            to: job.log_seq,
            state: Box::new(StatusView::new(job, self.clock.now())),
        }
    }
}

impl ClientMessage {
    const fn target(self) -> Option<Target> {
        match self {
            Self::Subscribe(target) | Self::Unsubscribe(target) => Some(target),
            Self::Ping => None,
        }
    }
}
