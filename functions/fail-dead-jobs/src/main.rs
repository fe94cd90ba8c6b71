//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let dead_jobs = lambda::init(fail_dead_jobs::from_settings)?;
    lambda_runtime::run(service_fn(|event| {
        fail_dead_jobs::fail_dead_jobs(&dead_jobs, event)
    }))
    .await
}
