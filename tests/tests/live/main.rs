//! The live channel: who may watch what, what is pushed, and what is left behind.

#[path = "../common/mod.rs"]
mod common;
mod harness;

use common::{ADMIN, OWNER, STRANGER};
use harness::Channel;
use jobs::{JobEventType, testing::START};
use serde_json::{Value, json};
use worker::{Reporter, testing::beat_every_second};

/// Returns the lines' numbers in a pushed update.
fn seqs(update: &Value) -> Vec<u64> {
    let lines = update["logs"].as_array().unwrap().iter();
    lines.map(|line| line["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn watcher_gets_a_snapshot_and_then_each_change_with_its_lines() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.log(&run, 1, &["one", "two"]).await;
    channel.open("c", OWNER).await;
    let snapshot = channel.subscribe("c", id).await;
    let status = channel.status(id).await;
    assert_eq!(
        snapshot,
        json!({"type": "snapshot", "job_id": id, "to": 2, "state": status})
    );
    let change = channel.log(&run, 3, &["three", "four"]).await;
    channel.push([change]).await;
    let [update] = channel.posts("c").try_into().unwrap();
    assert_eq!(
        (&update["type"], &update["from"], &update["to"]),
        (&json!("update"), &json!(3), &json!(4))
    );
    assert_eq!(seqs(&update), [3, 4]);
    assert_eq!(update["logs"][0]["message"], "three");
    assert_eq!(update["state"], channel.status(id).await);
}

#[tokio::test]
async fn one_message_tells_of_all_changes_of_a_batch() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    let changes = [
        channel.log(&run, 1, &["one"]).await,
        channel.log(&run, 2, &["two"]).await,
        channel.cancel(id).await,
    ];
    channel.push(changes).await;
    let [update] = channel.posts("c").try_into().unwrap();
    assert_eq!(update["state"]["status"], "cancelled");
    // The last line says who cancelled it.
    assert_eq!(seqs(&update), [1, 2, 3]);
}

#[tokio::test]
async fn lines_that_are_too_long_for_a_message_are_left_to_the_log() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    let line = "x".repeat(3_000);
    let lines: Vec<&str> = vec![&line; 9];
    let change = channel.log(&run, 1, &lines).await;
    channel.push([change]).await;
    let [update] = channel.posts("c").try_into().unwrap();
    assert_eq!((&update["from"], &update["to"]), (&json!(1), &json!(9)));
    assert_eq!(update.get("logs"), None);
}

#[tokio::test]
async fn stranger_is_refused_and_leaves_nothing() {
    let channel = Channel::new().await;
    let (id, _) = channel.running_job().await;
    channel.open("c", STRANGER).await;
    for (message, urn) in [
        (json!({"action": "subscribe", "job_id": id}), "forbidden"),
        (json!({"action": "subscribe", "job_id": 5}), "job-not-found"),
        (json!({"action": "subscribe", "jobs": "all"}), "forbidden"),
    ] {
        let refused = channel.say("c", &message).await;
        assert_eq!(refused["type"], "refused");
        assert_eq!(refused["problem"]["type"], format!("urn:jobs:{urn}"));
        assert_eq!(refused.get("job_id"), message.get("job_id"));
    }
    assert!(channel.watchers(id).await.is_empty());
    assert!(!channel.api.job(id).await.is_watched);
    let connection = channel.api.store.connection("c").await.unwrap().unwrap();
    assert_eq!(connection.watches, []);
}

#[tokio::test]
async fn admin_may_watch_the_jobs_of_others() {
    let channel = Channel::new().await;
    let (id, _) = channel.running_job().await;
    channel.open("c", ADMIN).await;
    assert_eq!(channel.subscribe("c", id).await["type"], "snapshot");
    let all = channel
        .say("c", &json!({"action": "subscribe", "jobs": "all"}))
        .await;
    assert_eq!(all, json!({"type": "subscribed", "jobs": "all"}));
}

#[tokio::test]
async fn connection_is_closed_when_its_session_has_ended() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", ADMIN).await;
    channel.subscribe("c", id).await;
    channel.api.clock.advance(3_601);
    let change = channel.log(&run, 1, &["secret"]).await;
    channel.push([change]).await;
    assert_eq!(channel.posts("c"), [] as [Value; 0]);
    assert_eq!(channel.closed(), ["c"]);
    assert!(channel.watchers(id).await.is_empty());
    // A message closes it too.
    channel
        .send("c", &json!({"action": "subscribe", "job_id": id}))
        .await;
    assert_eq!(channel.posts("c"), [] as [Value; 0]);
    assert_eq!(channel.closed(), ["c", "c"]);
}

#[tokio::test]
async fn closed_connection_is_forgotten_unless_it_may_still_be_opening() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    for connection in ["gone", "here"] {
        channel.open(connection, OWNER).await;
        channel.subscribe(connection, id).await;
    }
    channel.break_connection("gone");
    let change = channel.log(&run, 1, &["one"]).await;
    channel.push([change]).await;
    assert_eq!(channel.watchers(id).await, ["gone", "here"]);
    channel.api.clock.advance(11);
    let change = channel.log(&run, 2, &["two"]).await;
    channel.push([change]).await;
    assert_eq!(channel.watchers(id).await, ["here"]);
    assert_eq!(channel.posts("here").len(), 2);
}

#[tokio::test]
async fn end_of_a_connection_removes_all_of_it() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    channel
        .say("c", &json!({"action": "subscribe", "jobs": "mine"}))
        .await;
    channel.socket.close("c").await.unwrap();
    assert!(channel.api.store.connection("c").await.unwrap().is_none());
    assert!(channel.watchers(id).await.is_empty());
    // The next change finds nobody, and is the last that is looked at.
    let change = channel.log(&run, 1, &["one"]).await;
    assert!(change.live.is_some());
    channel.push([change]).await;
    assert!(!channel.api.job(id).await.is_watched);
}

#[tokio::test]
async fn mark_of_a_watch_that_has_just_begun_stays() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("first", OWNER).await;
    channel.subscribe("first", id).await;
    let change = channel.log(&run, 1, &["one"]).await;
    channel.socket.close("first").await.unwrap();
    // Another watch begins before its change is pushed, whose mark is older.
    channel.open("second", OWNER).await;
    channel.subscribe("second", id).await;
    channel.socket.close("second").await.unwrap();
    channel.push([change]).await;
    assert!(channel.api.job(id).await.is_watched);
}

#[tokio::test]
async fn watches_are_limited_and_the_rest_polls() {
    let channel = Channel::new().await;
    channel.open("c", OWNER).await;
    let mut last = Value::Null;
    for _ in 0..=20 {
        let (id, _) = channel.running_job().await;
        last = channel.subscribe("c", id).await;
        if last["type"] == "poll" {
            assert_eq!(last, json!({"type": "poll", "job_id": id}));
        }
    }
    assert_eq!(last["type"], "poll");
    let (id, _) = channel.running_job().await;
    for number in 0..100 {
        let connection = format!("w{number}");
        channel.open(&connection, OWNER).await;
        let answer = channel.subscribe(&connection, id).await;
        assert_eq!(answer["type"], "snapshot");
    }
    channel.open("late", OWNER).await;
    assert_eq!(channel.subscribe("late", id).await["type"], "poll");
    // One that watches already is answered as before.
    assert_eq!(channel.subscribe("w0", id).await["type"], "snapshot");
}

#[tokio::test]
async fn final_job_is_shown_and_not_watched() {
    let channel = Channel::new().await;
    let (id, _) = channel.running_job().await;
    channel.cancel(id).await;
    channel.open("c", OWNER).await;
    let snapshot = channel.subscribe("c", id).await;
    assert_eq!(snapshot["state"]["status"], "cancelled");
    assert!(channel.watchers(id).await.is_empty());
}

#[tokio::test]
async fn unsubscribed_job_is_pushed_no_more() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    let ended = channel
        .say("c", &json!({"action": "unsubscribe", "job_id": id}))
        .await;
    assert_eq!(ended, json!({"type": "unsubscribed", "job_id": id}));
    let change = channel.log(&run, 1, &["one"]).await;
    channel.push([change]).await;
    assert_eq!(channel.posts("c"), [] as [Value; 0]);
}

#[tokio::test]
async fn transitions_reach_those_who_may_see_the_list() {
    let channel = Channel::new().await;
    for (connection, user, list) in [
        ("owner", OWNER, "mine"),
        ("stranger", STRANGER, "mine"),
        ("admin", ADMIN, "all"),
    ] {
        channel.open(connection, user).await;
        let subscribe = json!({"action": "subscribe", "jobs": list});
        assert_eq!(
            channel.say(connection, &subscribe).await["type"],
            "subscribed"
        );
    }
    let (id, _) = channel.running_job().await;
    let change = channel.cancel(id).await;
    let event = change.event.clone().unwrap();
    assert_eq!(event.event_type, JobEventType::Cancelled);
    let pushed = channel
        .pusher
        .push_transitions(&[(change.job, event)])
        .await;
    assert_eq!(pushed.unwrap().sent, 2);
    for (connection, list) in [("owner", "mine"), ("admin", "all")] {
        let [message] = channel.posts(connection).try_into().unwrap();
        assert_eq!(message["jobs"], list);
        assert_eq!(message["event"], "job.cancelled");
        assert_eq!(message["job"]["id"], id);
        assert_eq!(message["job"]["status"], "cancelled");
    }
    assert_eq!(channel.posts("stranger"), [] as [Value; 0]);
}

#[tokio::test]
async fn each_transition_and_no_other_write_has_an_event() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", OWNER).await;
    let (watched, _) = channel
        .changing(id, Box::pin(channel.subscribe("c", id)))
        .await;
    assert!(watched.event.is_none() && watched.is_invisible);
    let logged = channel.log(&run, 1, &["one"]).await;
    assert!(logged.event.is_none() && !logged.is_invisible);
    let cancelled = channel.cancel(id).await;
    let event = cancelled.event.unwrap();
    assert_eq!(event.id(cancelled.job.id), format!("evt_{id}_1_cancelled"));
    // A duplicate delivery is counted in the item of a job whose event is published.
    let counted = channel.api.store.count_duplicate(cancelled.job.id);
    let (counted, _) = channel.changing(id, Box::pin(counted)).await;
    assert!(counted.event.is_none());
}

#[tokio::test]
async fn watched_run_is_told_by_its_heartbeat() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    assert!(!channel.heartbeat(&run).await);
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    assert!(channel.heartbeat(&run).await);
}

#[tokio::test]
async fn percentage_of_a_watched_job_is_written_by_the_next_beat() {
    let channel = Channel::new().await;
    let (id, run) = channel.running_job().await;
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    let reporter = Reporter::new(channel.api.clock.clock(), 1);
    let report = |second| reporter.progress(second * 10);
    // The second beat reads that the job is watched, and the third writes its percentage.
    beat_every_second(&channel.api.store, &run, &reporter, START, 3, report).await;
    let (_, status) = channel
        .api
        .get(OWNER, &format!("/api/jobs/{id}/status"))
        .await;
    assert_eq!(status["progress"], 30);
}

#[tokio::test]
async fn lines_that_cannot_be_read_do_not_hold_up_the_pushes_of_other_jobs() {
    let channel = Channel::new().await;
    let [(damaged, first), (other, second)] =
        [channel.running_job().await, channel.running_job().await];
    channel.open("c", OWNER).await;
    for id in [damaged, other] {
        channel.subscribe("c", id).await;
    }
    let changes = [
        channel.log(&first, 1, &["one"]).await,
        channel.log(&second, 1, &["one"]).await,
    ];
    channel.damage_log(damaged, 1).await;
    channel.push(changes).await;
    let updates = channel.posts("c");
    let of = |id: u64| updates.iter().find(|update| update["job_id"] == id);
    assert_eq!(of(damaged).unwrap().get("logs"), None);
    assert_eq!(seqs(of(other).unwrap()), [1]);
}

#[tokio::test]
async fn repeated_subscription_completes_a_half_made_watch() {
    let channel = Channel::new().await;
    let (id, _) = channel.running_job().await;
    channel.open("c", OWNER).await;
    channel.subscribe("c", id).await;
    channel.remove_watcher(id, "c").await;
    assert!(channel.watchers(id).await.is_empty());
    channel.subscribe("c", id).await;
    assert_eq!(channel.watchers(id).await, ["c"]);
}
