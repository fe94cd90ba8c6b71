//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let processor = lambda::init(process_jobs::from_settings)?;
    lambda_runtime::run(service_fn(|event| {
        process_jobs::process_jobs(&processor, event)
    }))
    .await
}
