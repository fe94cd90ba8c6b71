//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (sweeper, metrics) = lambda::init(sweep_jobs::from_settings)?;
    lambda_runtime::run(service_fn(|event| {
        sweep_jobs::sweep_jobs(&sweeper, &metrics, event)
    }))
    .await
}
