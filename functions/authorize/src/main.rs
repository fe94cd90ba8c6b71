//! Runs the function on AWS Lambda.

use api::auth::Keys;
use lambda::{Env, telemetry};
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let env = Env::load();
    let keys = Keys::load(env.token_keys()?, env.clock()).await?;
    let rules = env.token_rules();
    lambda_runtime::run(service_fn(|event| {
        authorize::authorize(&keys, &rules, event)
    }))
    .await
}
