//! Reads a job's log, each line once.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::Error,
    http::{Client, with_query},
};

/// The largest page of a log.
const PAGE_LINES: usize = 1000;
/// The wait between two pages if the API names none.
const DEFAULT_WAIT_SECONDS: u64 = 1;

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
    logs: Vec<Value>,
    next_cursor: String,
    finished: bool,
    poll_after: Option<u64>,
}

/// Calls `print` with each line of a log once, in order.
///
/// The cursor advances only with a page that arrived complete, so that a cut connection neither
/// repeats nor loses a line.
pub fn read_log(
    client: &Client,
    query: &LogQuery,
    mut print: impl FnMut(&Value) -> Result<(), Error>,
) -> Result<(), Error> {
    let path = format!("/api/jobs/{}/logs", query.job);
    let mut cursor = "0".to_owned();
    loop {
        let parameters = [
            ("after", Some(cursor.clone())),
            ("level", query.level.clone()),
            ("limit", Some(PAGE_LINES.to_string())),
        ];
        let page: LogPage = client.read("read the log", with_query(&path, &parameters))?;
        page.logs.iter().try_for_each(&mut print)?;
        // A page without lines of the level may be followed by one that has some.
        let is_at_end = page.next_cursor == cursor;
        cursor = page.next_cursor;
        if page.finished || (is_at_end && !query.is_followed) {
            return Ok(());
        }
        if is_at_end {
            let seconds = page.poll_after.unwrap_or(DEFAULT_WAIT_SECONDS);
            client.retry.sleep(Duration::from_secs(seconds));
        }
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
