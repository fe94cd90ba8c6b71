//! The cost of each operation in requests to DynamoDB, messages to SQS and capacity units, beside
//! its budget.

mod job_routes;
mod lists;
mod live;
mod logs;
mod processing;
mod releases;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use store::{
    RunHandle,
    testing::{Cost, Meter, metered_store},
};
use worker::testing::counted_queue;

use super::{Api, OWNER};

/// Requests, messages and capacity units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Requests to DynamoDB.
    pub requests: usize,
    /// Read units.
    pub reads: f64,
    /// Write units, those of the indexes included.
    pub writes: f64,
    /// Messages to SQS.
    pub messages: usize,
}

impl Units {
    const fn new(requests: usize, reads: f64, writes: f64) -> Self {
        Self {
            requests,
            reads,
            writes,
            messages: 0,
        }
    }

    const fn and_message(self) -> Self {
        Self {
            messages: 1,
            ..self
        }
    }
}

/// The measured cost of an operation.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The operation.
    pub name: String,
    /// Its cost.
    pub cost: Units,
    /// The highest cost that it may have.
    pub budget: Units,
    /// The write units of each index.
    pub indexes: BTreeMap<String, f64>,
}

impl Measured {
    /// Returns whether the cost is within the budget, and not zero where requests are expected.
    #[must_use]
    pub fn is_within_budget(&self) -> bool {
        let (cost, budget) = (&self.cost, &self.budget);
        let was_measured = cost.requests > 0 || budget.requests == 0;
        let few_calls = cost.requests <= budget.requests && cost.messages <= budget.messages;
        was_measured && few_calls && cost.reads <= budget.reads && cost.writes <= budget.writes
    }
}

/// Measures every operation.
pub async fn measure() -> Vec<Measured> {
    let mut all = Vec::new();
    all.append(&mut CostMeter::new().await.jobs().await);
    all.append(&mut CostMeter::new().await.releases().await);
    all.append(&mut CostMeter::new().await.lists().await);
    all.append(&mut CostMeter::new().await.rare_matches().await);
    all.append(&mut CostMeter::new().await.logs().await);
    all.append(&mut CostMeter::new().await.processing().await);
    all.append(&mut CostMeter::new().await.live().await);
    all
}

/// A metered table and the costs of the operations on it.
struct CostMeter {
    api: Api,
    meter: Meter,
    messages: Arc<AtomicUsize>,
    measured: Vec<Measured>,
}

impl CostMeter {
    async fn new() -> Self {
        let (store, meter) = metered_store().await;
        let (queue, messages) = counted_queue();
        Self {
            api: Api::over(store, queue),
            meter,
            messages,
            measured: Vec::new(),
        }
    }

    /// Discards the costs of the preparations.
    fn start(&self) {
        let _ = self.meter.take();
        self.messages.store(0, Ordering::Relaxed);
    }

    /// Records the costs since `start` as those of the operation `name`.
    fn record(&mut self, name: &str, budget: Units) {
        let costs = self.meter.take();
        self.record_costs(name, budget, &costs);
    }

    fn record_costs(&mut self, name: &str, budget: Units, costs: &[Cost]) {
        let mut indexes = BTreeMap::new();
        for (index, units) in costs.iter().flat_map(|cost| &cost.indexes) {
            *indexes.entry(index.clone()).or_default() += units;
        }
        let cost = Units {
            requests: costs.len(),
            reads: costs.iter().map(|cost| cost.reads).sum(),
            writes: costs.iter().map(|cost| cost.writes).sum(),
            messages: self.messages.swap(0, Ordering::Relaxed),
        };
        self.measured.push(Measured {
            name: name.to_owned(),
            cost,
            budget,
            indexes,
        });
    }

    async fn get(&mut self, name: &str, budget: Units, path: &str) -> Value {
        self.get_as(OWNER, name, budget, path).await
    }

    async fn get_as(
        &mut self,
        caller: (u64, bool),
        name: &str,
        budget: Units,
        path: &str,
    ) -> Value {
        self.start();
        let (status, body) = self.api.get(caller, path).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        self.record(name, budget);
        body
    }

    /// Sends a request of the owner's that writes.
    async fn write(
        &mut self,
        name: &str,
        budget: Units,
        (method, path): (&str, &str),
        body: Option<Value>,
    ) -> Value {
        self.start();
        let (status, answer) = self.api.send(OWNER, method, path, body).await;
        let succeeded = matches!(status, 200..=202);
        assert!(succeeded, "{method} {path}: {status} {answer}");
        self.record(name, budget);
        answer
    }
}

/// Creates and claims a job of the owner's.
async fn claimed_job(api: &Api) -> (u64, RunHandle) {
    claim_new(
        api,
        api.on_release(OWNER, json!({"job_type": "packaging"}))
            .await,
    )
    .await
}

async fn claim_new(api: &Api, job: Value) -> (u64, RunHandle) {
    let id = api.create(job).await;
    (id, api.claim(id, api.clock.clock().now()).await)
}
