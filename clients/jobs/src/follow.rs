//! Follows a job, and reads its log, each line once.

use std::{thread, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::Error,
    http::{Client, with_query},
    live::{Event, Push, Subscription},
};

/// The largest page of a log.
const PAGE_LINES: usize = 1000;
/// The wait between two polls if the API names none.
const DEFAULT_WAIT_SECONDS: u64 = 1;
/// The levels of lines, the least one first.
const LEVELS: [&str; 4] = ["DEBUG", "INFO", "WARNING", "ERROR"];

/// The API's answer to a poll.
pub enum Poll {
    /// There may be more at once.
    More,
    /// Another poll is worth it after this time, if nothing is pushed.
    Wait(Duration),
    /// Nothing follows.
    Finished,
}

impl Poll {
    /// Makes a wait of an answer's `poll_after`.
    pub fn after(seconds: Option<u64>) -> Self {
        Self::Wait(Duration::from_secs(seconds.unwrap_or(DEFAULT_WAIT_SECONDS)))
    }
}

/// Something that follows a job.
pub trait Follower {
    /// Asks the API.
    fn poll(&mut self) -> Result<Poll, Error>;
    /// Reads a push. It may come twice, late or never.
    fn push(&mut self, push: Push) -> Result<(), Error>;
    /// Returns whether the pushes leave something to ask for.
    fn is_behind(&self) -> bool;
}

/// Follows a job until nothing follows: by push, and by polling as long as there is none. A job
/// that has ended is not subscribed to.
pub fn follow(client: &Client, job: u64, follower: &mut impl Follower) -> Result<(), Error> {
    let mut subscription = None;
    loop {
        let wait = match follower.poll()? {
            // Unless it has been pushed.
            Poll::More => Duration::ZERO,
            Poll::Wait(wait) => wait,
            Poll::Finished => return Ok(()),
        };
        if subscription.is_none() && follower.is_behind() {
            // It has ended: only the rest of its log follows.
            thread::sleep(wait.min(client.live.poll));
            continue;
        }
        let start = || Subscription::start(&client.connection, &client.live, job);
        let subscription = subscription.get_or_insert_with(start);
        hear(client, subscription, wait, follower)?;
    }
}

/// Reads pushes until a poll is due.
fn hear(
    client: &Client,
    subscription: &mut Subscription,
    wait: Duration,
    follower: &mut impl Follower,
) -> Result<(), Error> {
    let wait = wait.min(client.live.poll);
    loop {
        let is_up_to_date = subscription.is_live && !follower.is_behind();
        let timeout = if is_up_to_date {
            client.live.quiet
        } else {
            wait
        };
        match subscription.next(timeout) {
            Some(Event::Push(push)) => follower.push(push)?,
            Some(Event::Down) => continue,
            Some(Event::Refused) | None => return Ok(()),
        }
        if follower.is_behind() {
            return Ok(());
        }
    }
}

/// Returns whether a status is the last one of its job.
fn is_final(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "cancelled")
}

/// The log to read.
pub struct LogQuery {
    /// The job's id.
    pub job: u64,
    /// Lines of this level and above.
    pub level: Option<String>,
    /// Wait for further lines until the job ends.
    pub is_followed: bool,
}

/// The parts of a page of a log that the client uses.
#[derive(Deserialize)]
struct LogPage {
    #[serde(default)]
    status: String,
    logs: Vec<Value>,
    next_cursor: String,
    finished: bool,
    poll_after: Option<u64>,
}

/// Calls `print` with each line of a log once, in order.
pub fn read_log(
    client: &Client,
    query: &LogQuery,
    print: impl FnMut(&Value) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = LogReader {
        client,
        query,
        print,
        cursor: 0,
        known: 0,
        is_final: false,
    };
    if query.is_followed {
        return follow(client, query.job, &mut reader);
    }
    while matches!(reader.poll()?, Poll::More) {}
    Ok(())
}

/// A log as far as it was printed.
///
/// The cursor advances only with lines that arrived complete and in order, so that a cut
/// connection neither repeats nor loses a line.
struct LogReader<'a, P> {
    client: &'a Client,
    query: &'a LogQuery,
    print: P,
    /// The number of the last line that was read.
    cursor: u64,
    /// The number of the last line that a push named.
    known: u64,
    /// The job has ended. The last page says that its log has, too.
    is_final: bool,
}

impl<P: FnMut(&Value) -> Result<(), Error>> Follower for LogReader<'_, P> {
    fn poll(&mut self) -> Result<Poll, Error> {
        let parameters = [
            ("after", Some(self.cursor.to_string())),
            ("level", self.query.level.clone()),
            ("limit", Some(PAGE_LINES.to_string())),
        ];
        let path = with_query(&format!("/api/jobs/{}/logs", self.query.job), &parameters);
        let page: LogPage = self.client.read("read the log", path)?;
        page.logs.iter().try_for_each(&mut self.print)?;
        self.is_final |= is_final(&page.status);
        let previous = self.cursor;
        let cursor = page.next_cursor.parse();
        self.cursor = cursor.map_err(|_| Error::not_the_api("read the log"))?;
        Ok(if page.finished {
            Poll::Finished
        } else if self.cursor == previous {
            Poll::after(page.poll_after)
        } else {
            // A page without lines of the level may be followed by one that has some.
            Poll::More
        })
    }

    fn push(&mut self, push: Push) -> Result<(), Error> {
        self.known = self.known.max(push.to);
        self.is_final |= is_final(push.state["status"].as_str().unwrap_or_default());
        if push.from > self.cursor + 1 {
            return Ok(());
        }
        for line in push.logs.unwrap_or_default() {
            let seq = line["seq"].as_u64().unwrap_or_default();
            if seq > self.cursor {
                if self.has_level(&line) {
                    (self.print)(&line)?;
                }
                self.cursor = seq;
            }
        }
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.is_final || self.known > self.cursor
    }
}

impl<P> LogReader<'_, P> {
    /// Returns whether the query asks for lines like this one. A push has all of them.
    fn has_level(&self, line: &Value) -> bool {
        let rank = |level: &str| LEVELS.iter().position(|it| it.eq_ignore_ascii_case(level));
        let least = self.query.level.as_deref().and_then(rank);
        rank(line["level"].as_str().unwrap_or_default()) >= least
    }
}

/// Returns a line of a log as text.
pub fn log_text(line: &Value) -> String {
    let text = |field: &str| line[field].as_str().unwrap_or_default();
    let (timestamp, level) = (text("timestamp"), text("level"));
    format!("{timestamp} [{level}] {}", text("message"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Received, Reply, TestServer, ok};

    /// A log that grows by a few lines with each complete answer, up to 20, and is then finished.
    fn growing_log(request: &Received, size: usize) -> String {
        let (_, query) = request.path.split_once("after=").unwrap();
        let after: usize = query.split('&').next().unwrap().parse().unwrap();
        let end = size.min(20).min(after + 2);
        let line = |seq| json!({"seq": seq, "timestamp": "T", "level": "INFO", "message": "m"});
        let lines: Vec<Value> = (after + 1..=end).map(line).collect();
        json!({
            "logs": lines,
            "next_cursor": end.to_string(),
            "finished": end == 20,
            "poll_after": 1,
        })
        .to_string()
    }

    fn seqs_through(cut: fn(String) -> Reply) -> (Vec<u64>, usize) {
        let server = TestServer::start(move |number, request| {
            let page = growing_log(request, number * 2);
            if number % 2 == 0 {
                ok(&page)
            } else {
                cut(page)
            }
        });
        let query = LogQuery {
            job: 5,
            level: None,
            is_followed: true,
        };
        let mut seqs = Vec::new();
        read_log(&server.client(), &query, |line| {
            seqs.push(line["seq"].as_u64().unwrap());
            Ok(())
        })
        .unwrap();
        (seqs, server.received().len())
    }

    #[test]
    fn each_line_comes_once_while_every_second_connection_is_cut() {
        let cuts: [fn(String) -> Reply; 3] = [
            |_| Reply::Cut,
            |page| Reply::CutBody(page.into_bytes()),
            |_| Reply::Answer(503, "", Vec::new()),
        ];
        for cut in cuts {
            let (seqs, requests) = seqs_through(cut);
            assert_eq!(seqs, (1..=20).collect::<Vec<u64>>());
            assert!(requests > 20, "{requests}");
        }
    }

    #[test]
    fn page_without_lines_of_the_level_leads_to_the_next() {
        let server = TestServer::start(|number, _| {
            ok([
                r#"{"logs": [], "next_cursor": "500", "finished": false, "poll_after": 1}"#,
                r#"{"logs": [{"seq": 501}], "next_cursor": "501", "finished": false, "poll_after": 1}"#,
                r#"{"logs": [], "next_cursor": "501", "finished": false, "poll_after": 1}"#,
            ][number])
        });
        let query = LogQuery {
            job: 5,
            level: Some("ERROR".to_owned()),
            is_followed: false,
        };
        let mut lines = Vec::new();
        read_log(&server.client(), &query, |line| {
            lines.push(line.clone());
            Ok(())
        })
        .unwrap();
        assert_eq!(lines, [json!({"seq": 501})]);
        let paths: Vec<String> = server.received().into_iter().map(|it| it.path).collect();
        assert_eq!(paths[0], "/api/jobs/5/logs?after=0&level=ERROR&limit=1000");
        assert_eq!(paths.len(), 3);
    }

    #[test]
    fn line_is_shown_with_its_time_and_level() {
        let line = json!({"timestamp": "2026-11-23T10:05:00.420Z", "level": "INFO",
            "message": "Packaging started"});
        assert_eq!(
            log_text(&line),
            "2026-11-23T10:05:00.420Z [INFO] Packaging started"
        );
    }
}
