//! Tests of following a job by push, against a server that breaks the protocol.

use super::*;
use crate::{
    follow::{LogQuery, read_log},
    output::Output,
    test_client::{client, quick},
    test_live_server::{Faults, LiveServer, Refused},
    watch::{Outcome, watch},
};

const HOUR: Duration = Duration::from_hours(1);

/// Nothing is polled but the first page and the end.
fn without_polling() -> LiveConfig {
    LiveConfig {
        poll: HOUR,
        quiet: HOUR,
        ..quick()
    }
}

fn query(level: Option<&str>) -> LogQuery {
    LogQuery {
        job: 5,
        level: level.map(str::to_owned),
        is_followed: true,
    }
}

/// Follows the log in a thread; returns the numbers of its lines.
fn following(
    server: &LiveServer,
    config: LiveConfig,
    level: Option<&'static str>,
) -> thread::JoinHandle<Result<Vec<u64>, Error>> {
    let url = server.url.clone();
    thread::spawn(move || {
        let mut seqs = Vec::new();
        read_log(&client(&url, config), &query(level), |line| {
            seqs.push(line["seq"].as_u64().unwrap());
            Ok(())
        })?;
        Ok(seqs)
    })
}

/// Writes a log in small steps while it is followed, and checks that each line came once.
fn assert_each_line_comes_once(seed: u64, faults: Faults, config: &LiveConfig) -> LiveServer {
    let server = LiveServer::start(seed, faults);
    let followers = [0, 1, 2].map(|_| following(&server, config.clone(), None));
    for step in 0..100 {
        server.state().write(step % 4, "running");
        thread::sleep(Duration::from_millis(1));
    }
    server.state().write(1, "completed");
    for follower in followers {
        let seqs = follower.join().unwrap().unwrap();
        assert_eq!(seqs, (1..=151).collect::<Vec<u64>>());
    }
    server
}

#[test]
fn each_line_comes_once_through_every_fault_of_the_network() {
    let faults = Faults {
        lost: 0.1,
        repeated: 0.2,
        late: 0.2,
        without_lines: 0.1,
        cut: 0.1,
        ..Faults::default()
    };
    for seed in 1..=5 {
        let server = assert_each_line_comes_once(seed, faults.clone(), &quick());
        let connections = server.state().connections;
        assert!(connections > 10, "{connections}");
    }
}

#[test]
fn each_line_comes_once_by_polling_while_push_is_refused() {
    let config = LiveConfig {
        quiet: HOUR,
        ..quick()
    };
    for refused in [
        Refused::Ticket(404),
        Refused::Ticket(503),
        Refused::Socket,
        Refused::Watch,
    ] {
        let faults = Faults {
            refused,
            ..Faults::default()
        };
        assert_each_line_comes_once(7, faults, &config);
    }
}

#[test]
fn lines_come_by_push() {
    let server = LiveServer::start(1, Faults::default());
    let follower = following(&server, without_polling(), None);
    server.wait_until(|state| state.is_watched() && state.polls > 0);
    for _ in 0..20 {
        server.state().write(2, "running");
    }
    server.state().write(1, "completed");
    let seqs = follower.join().unwrap().unwrap();
    assert_eq!(seqs, (1..=41).collect::<Vec<u64>>());
    // One at first, one perhaps for what came before its answer, and one for the end.
    let polls = server.state().polls;
    assert!(polls <= 3 + 41_usize.div_ceil(7), "{polls}");
    assert_eq!(server.state().connections, 1);
}

#[test]
fn pushed_lines_of_lower_levels_are_left_out() {
    let server = LiveServer::start(1, Faults::default());
    let follower = following(&server, without_polling(), Some("error"));
    server.wait_until(|state| state.is_watched() && state.polls > 0);
    for _ in 0..9 {
        server.state().write(1, "running");
    }
    server.state().write(0, "completed");
    assert_eq!(follower.join().unwrap().unwrap(), [2, 5, 8]);
}

#[test]
fn lost_push_shows_once_the_job_was_quiet_for_a_time() {
    let faults = Faults {
        lost: 1.0,
        ..Faults::default()
    };
    let server = LiveServer::start(1, faults);
    let config = LiveConfig {
        poll: HOUR,
        ..quick()
    };
    let follower = following(&server, config, None);
    server.wait_until(|state| state.is_watched() && state.polls > 0);
    server.state().write(5, "completed");
    assert_eq!(follower.join().unwrap().unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn connection_that_lost_its_server_is_replaced() {
    let server = LiveServer::start(1, Faults::default());
    let config = LiveConfig {
        ping: Duration::from_millis(20),
        patience: Duration::from_millis(500),
        ..without_polling()
    };
    let follower = following(&server, config, None);
    let is_ping = |message: &Value| message["action"] == "ping";
    server.wait_until(|state| state.received.iter().any(is_ping));
    assert_eq!(server.state().connections, 1);
    server.state().faults.is_deaf = true;
    server.state().write(5, "running");
    server.wait_until(|state| state.connections > 1);
    server.state().faults.is_deaf = false;
    server.state().write(1, "completed");
    assert_eq!(follower.join().unwrap().unwrap(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn job_that_may_not_be_read_is_an_error() {
    let faults = Faults {
        refused: Refused::Job,
        ..Faults::default()
    };
    let server = LiveServer::start(1, faults);
    let error = following(&server, quick(), None).join().unwrap();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("another user"), "{error}");
}

#[test]
fn watched_job_ends_by_push() {
    let server = LiveServer::start(1, Faults::default());
    let url = server.url.clone();
    let watching = thread::spawn(move || {
        watch(&client(&url, without_polling()), &Output::new(false), 5).unwrap()
    });
    server.wait_until(|state| state.is_watched() && state.polls > 0);
    server.state().write(3, "running");
    server.state().write(1, "completed");
    assert_eq!(watching.join().unwrap(), Outcome::Success);
    // The status at first, and the details at the end.
    assert_eq!(server.state().polls, 2);
}

#[test]
fn job_that_has_ended_is_not_subscribed_to() {
    let server = LiveServer::start(1, Faults::default());
    server.state().write(9, "completed");
    let seqs = following(&server, without_polling(), None).join().unwrap();
    assert_eq!(seqs.unwrap(), (1..=9).collect::<Vec<u64>>());
    assert_eq!(server.state().tickets, 0);
}

#[test]
fn token_and_ticket_go_to_no_address_without_tls() {
    let connected = Socket::connect("ws://127.0.0.1:9/live?ticket=secret", false, HOUR);
    let error = connected.err().unwrap().to_string();
    assert_eq!(error, "the address is not wss");
}
