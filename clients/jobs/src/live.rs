//! The live connection, which pushes the changes of one job.
//!
//! A thread of its own connects, and connects again when the connection is lost. A follower takes
//! what the thread hears, and asks the API itself while there is nothing to hear.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    error::Error,
    http::{Call, Connection, typed},
    socket::{Heard, Socket},
};

/// How a job is followed.
#[derive(Clone)]
pub struct LiveConfig {
    /// Use push.
    pub is_enabled: bool,
    /// The longest wait between two polls without push.
    pub poll: Duration,
    /// The silence about a job after which it is asked for.
    pub quiet: Duration,
    /// The silence after which the connection is kept alive. API Gateway closes it after ten
    /// minutes.
    pub ping: Duration,
    /// The longest wait for a step of connecting, and for the answer to a ping.
    pub patience: Duration,
    /// The first wait before another connection. It doubles with each failure.
    pub min_backoff: Duration,
    /// The longest wait before another connection.
    pub max_backoff: Duration,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            is_enabled: true,
            poll: Duration::from_secs(5),
            quiet: Duration::from_mins(1),
            ping: Duration::from_mins(5),
            patience: Duration::from_secs(10),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(30),
        }
    }
}

/// A message of the API, as far as the client uses it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Message {
    Snapshot(Push),
    Update(Push),
    Poll,
    Refused,
    #[serde(other)]
    Other,
}

/// The state of a job, and the lines that were added to its log.
#[derive(Debug, Deserialize)]
pub struct Push {
    /// The number of the first of `logs`.
    #[serde(default)]
    pub from: u64,
    /// The number of the log's last line.
    pub to: u64,
    /// The job's status, as the API answers it.
    pub state: Value,
    /// The lines. A snapshot has none, and an update none that are too large.
    pub logs: Option<Vec<Value>>,
}

/// What a follower hears.
pub enum Event {
    /// The job changed.
    Push(Push),
    /// The API refuses the subscription, so its answer to a request says why.
    Refused,
    /// There is nothing to hear for the time being.
    Down,
}

/// The answer of the ticket's route.
#[derive(Deserialize)]
struct Ticket {
    url: String,
    ticket: String,
}

/// The subscription to one job.
pub struct Subscription {
    /// Pushes are to be expected.
    pub is_live: bool,
    events: Receiver<Event>,
    /// Keeps the receiver open without a thread.
    _sender: Sender<Event>,
    /// The thread ends soon after this.
    _alive: Arc<()>,
}

impl Subscription {
    /// Subscribes in the background, unless there is a proxy, which may not let a socket through.
    pub fn start(connection: &Connection, config: &LiveConfig, job: u64) -> Self {
        let (sender, events) = mpsc::channel();
        let alive = Arc::new(());
        if config.is_enabled && !connection.has_proxy {
            let subscriber = Subscriber {
                job,
                connection: connection.clone(),
                config: config.clone(),
                events: sender.clone(),
                follower: Arc::downgrade(&alive),
            };
            thread::spawn(move || subscriber.run());
        }
        Self {
            is_live: false,
            events,
            _sender: sender,
            _alive: alive,
        }
    }

    /// Waits for an event. Returns `None` after the timeout.
    pub fn next(&mut self, timeout: Duration) -> Option<Event> {
        let event = self.events.recv_timeout(timeout).ok()?;
        self.is_live = matches!(event, Event::Push(_));
        Some(event)
    }
}

/// The thread that keeps a subscription.
struct Subscriber {
    job: u64,
    connection: Connection,
    config: LiveConfig,
    events: Sender<Event>,
    follower: Weak<()>,
}

impl Subscriber {
    fn run(self) {
        let mut failures = 0;
        while self.follower.strong_count() > 0 {
            if self
                .connect()
                .is_ok_and(|mut socket| self.listen(&mut socket))
            {
                failures = 0;
            }
            thread::sleep(self.backoff(failures));
            failures += 1;
        }
    }

    /// Returns the wait after some failures in a row. Clients that lost the same server do not
    /// come back at once.
    fn backoff(&self, failures: u32) -> Duration {
        let doubled = self.config.min_backoff * 2_u32.pow(failures.min(16));
        let longest = doubled.min(self.config.max_backoff);
        longest.mul_f64(0.5 + rand::random::<f64>() / 2.0)
    }

    fn connect(&self) -> Result<Socket, Error> {
        let action = "open the live connection";
        let answer = self.connection.send(&Call {
            action,
            method: Method::POST,
            path: "/api/live/ticket".to_owned(),
            body: Some(json!({})),
            key: None,
        })?;
        let ticket: Ticket = typed(action, answer)?;
        let url = format!("{}?ticket={}", ticket.url, ticket.ticket);
        let is_local = self.connection.settings.api.is_local();
        Socket::connect(&url, is_local, self.config.patience).map_err(|error| Error::Network {
            action: action.to_owned(),
            reason: error.to_string(),
            is_transient: true,
        })
    }

    /// Passes on what it hears until the connection is lost. Returns whether that was anything.
    fn listen(&self, socket: &mut Socket) -> bool {
        let subscribe = json!({"action": "subscribe", "job_id": self.job});
        if socket.send(subscribe.to_string()).is_err() {
            return false;
        }
        let mut was_accepted = false;
        let mut is_answer_due = true;
        loop {
            let timeout = if is_answer_due {
                self.config.patience
            } else {
                self.config.ping
            };
            match socket.hear(timeout) {
                Heard::Text(text) => {
                    was_accepted = true;
                    is_answer_due = false;
                    if !self.pass_on(&text) {
                        return true;
                    }
                }
                Heard::Nothing if !is_answer_due => {
                    is_answer_due = true;
                    if socket.send(json!({"action": "ping"}).to_string()).is_err() {
                        break;
                    }
                }
                Heard::Nothing | Heard::Closed => break,
            }
        }
        if was_accepted {
            // It does not matter if there is no follower: the thread ends then.
            let _ = self.events.send(Event::Down);
        }
        was_accepted
    }

    /// Returns whether there is still a follower.
    fn pass_on(&self, text: &str) -> bool {
        let event = match serde_json::from_str(text) {
            Ok(Message::Snapshot(push) | Message::Update(push)) => Event::Push(push),
            Ok(Message::Poll) => Event::Down,
            Ok(Message::Refused) => Event::Refused,
            // A later API may send more.
            Ok(Message::Other) | Err(_) => return self.follower.strong_count() > 0,
        };
        self.events.send(event).is_ok()
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
