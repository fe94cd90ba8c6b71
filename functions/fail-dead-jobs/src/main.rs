//! Runs the function on AWS Lambda.

use lambda::{Env, telemetry};
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let env = Env::load();
    let (store, clock, metrics) = (env.store()?, env.clock(), env.metrics()?);
    lambda_runtime::run(service_fn(|event| {
        fail_dead_jobs::fail_dead_jobs(&store, &clock, &metrics, event)
    }))
    .await
}
