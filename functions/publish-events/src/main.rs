//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let publisher = lambda::init(publish_events::from_settings)?;
    lambda_runtime::run(service_fn(|event| {
        publish_events::handle(&publisher, event)
    }))
    .await
}
