//! Runs the function on AWS Lambda.

use lambda::{Env, telemetry};
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let env = Env::load();
    let (sweeper, metrics) = (env.sweeper()?, env.metrics()?);
    lambda_runtime::run(service_fn(|event| {
        sweep_jobs::sweep_jobs(&sweeper, &metrics, event)
    }))
    .await
}
