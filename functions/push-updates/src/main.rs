//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let function = lambda::init(push_updates::from_settings)?;
    lambda_runtime::run(service_fn(|event| push_updates::handle(&function, event))).await
}
