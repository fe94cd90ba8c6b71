//! The live channel over a table in this process, with an API Gateway that records what it is sent.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_apigatewaymanagement::{
    Client,
    operation::{
        delete_connection::DeleteConnectionOutput,
        post_to_connection::{PostToConnectionError, PostToConnectionOutput},
    },
    types::error::GoneException,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use dynoxide::Database;
use jobs::{JobId, Level, LogEntry, Session, testing::START};
use live::{Connections, LiveSocket, Pusher};
use serde_json::{Value, json};
use store::{JobChange, RunHandle, RunProgress, Watched, WriteOutcome};
use worker::testing::queue;

use crate::common::{Api, OWNER, caller};

/// What API Gateway was sent, and which connections are closed.
#[derive(Clone, Default)]
struct Gateway(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    posts: Vec<(String, Value)>,
    closed: Vec<String>,
    gone: BTreeSet<String>,
}

pub struct Channel {
    pub api: Api,
    pub socket: LiveSocket,
    pub pusher: Pusher,
    gateway: Gateway,
    table: aws_sdk_dynamodb::Client,
}

impl Gateway {
    fn connections(&self) -> Connections {
        let (gone, here, deleted) = (self.clone(), self.clone(), self.clone());
        let gone = mock!(Client::post_to_connection)
            .match_requests(move |post| {
                let state = gone.0.lock().unwrap();
                state.gone.contains(post.connection_id().unwrap())
            })
            .then_error(|| PostToConnectionError::GoneException(GoneException::builder().build()));
        let here = mock!(Client::post_to_connection)
            .match_requests(move |post| {
                let id = post.connection_id().unwrap().to_owned();
                let message = serde_json::from_slice(post.data().unwrap().as_ref()).unwrap();
                here.0.lock().unwrap().posts.push((id, message));
                true
            })
            .then_output(|| PostToConnectionOutput::builder().build());
        let close = mock!(Client::delete_connection)
            .match_requests(move |close| {
                let id = close.connection_id().unwrap().to_owned();
                deleted.0.lock().unwrap().closed.push(id);
                true
            })
            .then_output(|| DeleteConnectionOutput::builder().build());
        let client = mock_client!(
            aws_sdk_apigatewaymanagement,
            RuleMode::MatchAny,
            [&gone, &here, &close]
        );
        Connections::new(client)
    }
}

impl Channel {
    pub async fn new() -> Self {
        let endpoint = store::testing::serve(Database::memory().unwrap()).await;
        let table = store::testing::client(&endpoint);
        let api = Api::over(store::Store::new(&table, "jobs"), queue());
        let gateway = Gateway::default();
        let connections = gateway.connections();
        let clock = api.clock.clock();
        Self {
            socket: LiveSocket::new(api.store.clone(), connections.clone(), clock.clone()),
            pusher: Pusher::new(api.store.clone(), connections, clock),
            api,
            gateway,
            table,
        }
    }

    /// Creates a job of the owner and claims it.
    pub async fn running_job(&self) -> (u64, RunHandle) {
        let id = self.api.create(json!({"job_type": "analysis"})).await;
        let run = self.api.claim(id, START).await;
        (id, run)
    }

    /// Opens a connection of a user whose session lasts an hour.
    pub async fn open(&self, connection: &str, user: (u64, bool)) {
        let session = Session {
            caller: caller(user),
            expires_at: START.after(Duration::from_hours(1)),
        };
        self.socket.open(connection, session).await.unwrap();
    }

    pub async fn send(&self, connection: &str, message: &Value) {
        let text = message.to_string();
        self.socket.receive(connection, &text, None).await;
    }

    /// Sends a message and returns the answer.
    pub async fn say(&self, connection: &str, message: &Value) -> Value {
        self.send(connection, message).await;
        self.posts(connection).pop().unwrap()
    }

    pub async fn subscribe(&self, connection: &str, id: u64) -> Value {
        self.say(connection, &json!({"action": "subscribe", "job_id": id}))
            .await
    }

    /// Returns what was posted to a connection since the last call.
    pub fn posts(&self, connection: &str) -> Vec<Value> {
        let mut state = self.gateway.0.lock().unwrap();
        let posts = std::mem::take(&mut state.posts);
        let (own, others) = posts.into_iter().partition(|(id, _)| id == connection);
        state.posts = others;
        let own: Vec<(String, Value)> = own;
        own.into_iter().map(|(_, message)| message).collect()
    }

    pub fn closed(&self) -> Vec<String> {
        self.gateway.0.lock().unwrap().closed.clone()
    }

    pub fn break_connection(&self, connection: &str) {
        let mut state = self.gateway.0.lock().unwrap();
        state.gone.insert(connection.to_owned());
    }

    pub async fn watchers(&self, id: u64) -> Vec<String> {
        let watched = Watched::Job(id.try_into().unwrap());
        let watchers = self.api.store.watchers(watched, 100).await.unwrap();
        watchers.into_iter().map(|each| each.connection).collect()
    }

    /// Removes the item of a watch that pushes are sent by.
    pub async fn remove_watcher(&self, id: u64, connection: &str) {
        let delete = self.table.delete_item().table_name("jobs");
        let delete = delete.key("pk", AttributeValue::S(format!("WATCH#JOB#{id}")));
        let delete = delete.key("sk", AttributeValue::S(connection.to_owned()));
        delete.send().await.unwrap();
    }

    /// Damages the chunk of a job's log that ends with the line `seq`.
    pub async fn damage_log(&self, id: u64, seq: u64) {
        let update = self.table.update_item().table_name("jobs");
        let update = update.key("pk", AttributeValue::S(format!("JOB#{id}")));
        let update = update.key("sk", AttributeValue::S(format!("LOG#{seq:010}")));
        let update = update.update_expression("REMOVE fence");
        update.send().await.unwrap();
    }

    pub async fn status(&self, id: u64) -> Value {
        let path = format!("/api/jobs/{id}/status");
        self.api.send(OWNER, "GET", &path, None).await.1
    }

    /// Reads the item of a job as the table's stream has it.
    async fn image(&self, id: u64) -> serde_dynamo::Item {
        let item = self
            .table
            .get_item()
            .table_name("jobs")
            .key("pk", AttributeValue::S(format!("JOB#{id}")))
            .key("sk", AttributeValue::S("META".to_owned()))
            .consistent_read(true)
            .send();
        item.await.unwrap().item.unwrap().into()
    }

    /// Returns the change that `act` makes to a job, with what it returns.
    pub async fn changing<T>(&self, id: u64, act: impl Future<Output = T>) -> (JobChange, T) {
        let before = self.image(id).await;
        let output = act.await;
        let after = self.image(id).await;
        (JobChange::read(before, after).unwrap(), output)
    }

    /// Writes lines to the log of a run, the first with the number `first`, and makes them visible.
    pub async fn log(&self, run: &RunHandle, first: u64, lines: &[&str]) -> JobChange {
        let entry = |(seq, line): (u64, &&str)| LogEntry {
            seq,
            timestamp: START,
            level: Level::Info,
            message: (*line).to_owned(),
            step: None,
        };
        let entries: Vec<LogEntry> = (first..).zip(lines).map(entry).collect();
        let put = self.api.store.put_log(run, &entries).await.unwrap();
        assert!(matches!(put, WriteOutcome::Written(())), "{put:?}");
        let progress = RunProgress {
            log_seq: entries.last().unwrap().seq,
            ..RunProgress::default()
        };
        let now = self.api.clock.clock().now();
        let beat = self.api.store.heartbeat(run, &progress, now);
        self.changing(run.job_id.get(), Box::pin(beat)).await.0
    }

    /// Sends a heartbeat, and returns whether the job is watched.
    pub async fn heartbeat(&self, run: &RunHandle) -> bool {
        let progress = RunProgress::default();
        match self.api.store.heartbeat(run, &progress, START).await {
            Ok(WriteOutcome::Written(is_watched)) => is_watched,
            other => panic!("{other:?}"),
        }
    }

    pub async fn cancel(&self, id: u64) -> JobChange {
        let job = JobId::try_from(id).unwrap();
        let now = self.api.clock.clock().now();
        let cancel = self.api.store.cancel(job, caller(OWNER), None, now);
        self.changing(id, Box::pin(cancel)).await.0
    }

    pub async fn push<const N: usize>(&self, changes: [JobChange; N]) {
        self.pusher.push_updates(changes).await.unwrap();
    }
}
