//! Runs the function on AWS Lambda.

use api::auth::Keys;
use jobs::Clock;
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (source, rules) = lambda::init(authorize::from_settings)?;
    let keys = Keys::load(source, Clock::system()).await?;
    lambda_runtime::run(service_fn(|event| {
        authorize::authorize(&keys, &rules, event)
    }))
    .await
}
