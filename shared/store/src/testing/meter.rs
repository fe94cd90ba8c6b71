//! Measures the capacity that requests consume, as reported by DynamoDB.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        },
    },
    error::BoxError,
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use serde_json::{Value, json};

/// The capacity that one request consumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// The operation: `GetItem`.
    pub operation: String,
    /// Read capacity units.
    pub reads: f64,
    /// Write capacity units, including those of the indexes.
    pub writes: f64,
    /// Write capacity units of each index.
    pub indexes: BTreeMap<String, f64>,
}

/// Records the capacity that the requests of a [`metered_store`](super::metered_store) consume.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Vec<Cost>>>);

impl Meter {
    /// Returns the costs since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Cost> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The operation, passed from the request to the response, which does not name it.
#[derive(Clone, Debug)]
struct Operation(String);

impl Storable for Operation {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        config.interceptor_state().store_put(Operation(operation));
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap())?;
        body["ReturnConsumedCapacity"] = json!("INDEXES");
        let body = serde_json::to_vec(&body)?;
        request
            .headers_mut()
            .insert("content-length", body.len().to_string());
        *request.body_mut() = body.into();
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Operation(operation) = config.load::<Operation>().unwrap().clone();
        let body: Value = serde_json::from_slice(context.response().body().bytes().unwrap())?;
        let mut cost = Cost {
            operation,
            ..Cost::default()
        };
        match &body["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().for_each(|table| cost.add(table)),
            table => cost.add(table),
        }
        self.0.lock().unwrap().push(cost);
        Ok(())
    }
}

impl Cost {
    fn add(&mut self, table: &Value) {
        let units = |value: &Value| value["CapacityUnits"].as_f64().unwrap_or(0.0);
        if matches!(
            self.operation.as_str(),
            "GetItem" | "Query" | "BatchGetItem"
        ) {
            self.reads += units(table);
            return;
        }
        self.writes += units(table);
        for (index, capacity) in table["GlobalSecondaryIndexes"]
            .as_object()
            .into_iter()
            .flatten()
        {
            *self.indexes.entry(index.clone()).or_default() += units(capacity);
        }
    }
}
