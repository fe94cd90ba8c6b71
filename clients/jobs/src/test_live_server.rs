//! An API with one job that speaks the live protocol, and breaks it as a bad network does.

use std::{
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, protocol::Role};

use crate::test_server::{Received, Reply, read_request, send};

const PAGE_LINES: usize = 7;

/// The step of following a job that the API refuses.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Refused {
    #[default]
    Nothing,
    /// The ticket, with this status.
    Ticket(u16),
    Socket,
    /// There is no room for another watcher.
    Watch,
    /// The job is another user's.
    Job,
}

/// The probabilities of faults, and what the API refuses.
#[derive(Clone, Default)]
pub struct Faults {
    pub lost: f64,
    pub repeated: f64,
    /// Sent after the next one.
    pub late: f64,
    pub without_lines: f64,
    /// The connection breaks after a push.
    pub cut: f64,
    pub refused: Refused,
    /// Nothing is sent.
    pub is_deaf: bool,
}

struct Watcher {
    socket: WebSocket<TcpStream>,
    late: Vec<Value>,
}

/// The API's job and its watchers.
pub struct State {
    pub faults: Faults,
    pub polls: usize,
    pub connections: usize,
    pub received: Vec<Value>,
    lines: Vec<Value>,
    status: &'static str,
    changes: usize,
    pub tickets: usize,
    watchers: Vec<Watcher>,
    random: StdRng,
}

/// A server for one job, which anyone may share.
#[derive(Clone)]
pub struct LiveServer {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl LiveServer {
    pub fn start(seed: u64, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            faults,
            polls: 0,
            connections: 0,
            received: Vec::new(),
            lines: Vec::new(),
            status: "running",
            changes: 0,
            tickets: 0,
            watchers: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        };
        let server = Self {
            url,
            state: Arc::new(Mutex::new(state)),
        };
        let accepting = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = accepting.clone();
                thread::spawn(move || server.serve(stream.unwrap()));
            }
        });
        server
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until the state is as a test needs it.
    pub fn wait_until(&self, mut is_true: impl FnMut(&State) -> bool) {
        while !is_true(&self.state()) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut start = [0; 9];
        if stream.peek(&mut start).is_ok() && start == *b"GET /live" {
            self.watch(stream);
        } else if let Some(request) = read_request(&stream) {
            let reply = self.state().reply(&request, &self.url);
            let _ = send(&mut stream, reply);
        }
    }

    fn watch(&self, stream: TcpStream) {
        if self.state().faults.refused == Refused::Socket {
            return;
        }
        let writer = stream.try_clone().unwrap();
        let Ok(mut reader) = tungstenite::accept(stream) else {
            return;
        };
        self.state().connections += 1;
        let mut writer = Some(WebSocket::from_raw_socket(writer, Role::Server, None));
        while let Ok(Message::Text(text)) = reader.read() {
            let message: Value = serde_json::from_str(&text).unwrap();
            let mut state = self.state();
            state.received.push(message.clone());
            if message["action"] == "subscribe"
                && let Some(socket) = writer.take()
            {
                state.subscribe(socket);
            } else {
                state.push(&json!({"type": "pong"}));
            }
        }
    }
}

impl State {
    pub fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// Adds lines to the log, and pushes them.
    pub fn write(&mut self, count: usize, status: &'static str) {
        let from = self.lines.len() + 1;
        self.status = status;
        self.changes += 1;
        let level = |seq| ["DEBUG", "INFO", "ERROR"][seq % 3];
        let line = |seq| json!({"seq": seq, "level": level(seq), "message": "m"});
        self.lines.extend((from..from + count).map(line));
        let mut update = json!({
            "type": "update", "job_id": 5, "from": from, "to": self.lines.len(),
            "state": self.job(),
        });
        if !self.random.random_bool(self.faults.without_lines) {
            update["logs"] = json!(self.lines[from - 1..]);
        }
        self.push(&update);
    }

    fn job(&self) -> Value {
        json!({
            "job_id": 5, "status": self.status, "progress": self.lines.len().min(99),
            "step": null, "message": null, "waiting_for": null, "poll_after": 1,
            "updated_at": format!("2026-11-23T10:05:{:09.6}Z", self.changes),
        })
    }

    fn subscribe(&mut self, mut socket: WebSocket<TcpStream>) {
        let to = self.lines.len();
        let answer = match self.faults.refused {
            Refused::Job => json!({"type": "refused", "job_id": 5, "problem": {"status": 403}}),
            Refused::Watch => json!({"type": "poll", "job_id": 5}),
            _ => json!({"type": "snapshot", "job_id": 5, "to": to, "state": self.job()}),
        };
        let is_watching = answer["type"] == "snapshot";
        if !self.faults.is_deaf {
            let _ = socket.send(Message::text(answer.to_string()));
        }
        // A socket that nobody keeps is closed.
        if is_watching {
            let late = Vec::new();
            self.watchers.push(Watcher { socket, late });
        }
    }

    fn push(&mut self, message: &Value) {
        let Faults {
            lost,
            repeated,
            late,
            cut,
            is_deaf,
            ..
        } = self.faults;
        let mut watchers = std::mem::take(&mut self.watchers);
        watchers.retain_mut(|watcher| {
            if self.random.random_bool(late) {
                watcher.late.push(message.clone());
                return true;
            }
            let waiting = std::mem::take(&mut watcher.late);
            for each in std::iter::once(message.clone()).chain(waiting) {
                let text = Message::text(each.to_string());
                let times = usize::from(!self.random.random_bool(lost))
                    + usize::from(self.random.random_bool(repeated));
                for _ in 0..if is_deaf { 0 } else { times } {
                    if watcher.socket.send(text.clone()).is_err() {
                        return false;
                    }
                }
            }
            let is_cut = self.random.random_bool(cut);
            if is_cut {
                let stream = watcher.socket.get_ref();
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            !is_cut
        });
        self.watchers = watchers;
    }

    fn reply(&mut self, request: &Received, url: &str) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path == "/api/live/ticket" {
            return self.ticket(url);
        }
        self.polls += 1;
        if self.faults.refused == Refused::Job {
            return answer(403, &json!({"detail": "This job belongs to another user."}));
        }
        if path.ends_with("/logs") {
            answer(200, &self.page(query))
        } else if path.ends_with("/status") {
            answer(200, &self.job())
        } else {
            answer(200, &json!({"id": 5, "status": self.status, "error": null}))
        }
    }

    fn ticket(&mut self, url: &str) -> Reply {
        if let Refused::Ticket(status) = self.faults.refused {
            return answer(status, &json!({"detail": "There are no tickets."}));
        }
        self.tickets += 1;
        let url = format!("{}/live", url.replace("http", "ws"));
        answer(
            201,
            &json!({"url": url, "ticket": self.tickets.to_string()}),
        )
    }

    fn page(&self, query: &str) -> Value {
        let parameter = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let found = pairs.find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let after: usize = parameter("after").unwrap().parse().unwrap();
        let end = self.lines.len().min(after + PAGE_LINES);
        let level = parameter("level");
        let has_level = |line: &&Value| level.is_none() || line["level"] == "ERROR";
        let logs: Vec<&Value> = self.lines[after..end].iter().filter(has_level).collect();
        let is_final = self.status == "completed";
        json!({
            "status": self.status, "logs": logs, "next_cursor": end.to_string(), "poll_after": 1,
            "finished": is_final && end == self.lines.len(),
        })
    }
}

fn answer(status: u16, body: &Value) -> Reply {
    Reply::Answer(status, "", body.to_string().into_bytes())
}
