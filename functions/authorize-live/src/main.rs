//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let door = lambda::init(authorize_live::from_settings)?;
    lambda_runtime::run(service_fn(|event| authorize_live::authorize(&door, event))).await
}
