//! The time that requests to DynamoDB take, by operation.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::BoxError,
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// The requests of one operation, and the time from their signing to their answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requests {
    pub count: u32,
    pub time: Duration,
}

/// Times the requests of a client.
#[derive(Clone, Debug, Default)]
pub struct Stopwatch(Arc<Mutex<BTreeMap<String, Requests>>>);

/// The operation and the start of a request.
#[derive(Clone, Debug)]
struct Started(String, Instant);

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

impl Stopwatch {
    /// Returns a client like `client` whose requests are timed.
    pub fn time(&self, client: &Client) -> Client {
        let config = client.config().to_builder().interceptor(self.clone());
        Client::from_conf(config.build())
    }

    /// Returns the requests by operation since the last call.
    pub fn take(&self) -> BTreeMap<String, Requests> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Intercept for Stopwatch {
    fn name(&self) -> &'static str {
        "Stopwatch"
    }

    fn read_before_signing(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let started = Started(operation, Instant::now());
        config.interceptor_state().store_put(started);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Started(operation, start) = config.load::<Started>().unwrap().clone();
        let mut all = self.0.lock().unwrap();
        let requests = all.entry(operation).or_default();
        requests.count += 1;
        requests.time += start.elapsed();
        Ok(())
    }
}
