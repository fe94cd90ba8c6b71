//! Runs the function on AWS Lambda.

use lambda::{Env, telemetry};
use lambda_runtime::{Error, service_fn};
use process_jobs::process_jobs;
use worker::{job_types::Worker, processor::Processor};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let env = Env::load();
    let worker = Worker::new(env.store()?, env.files()?, env.package_retention()?);
    let jobs = env.jobs()?.with_user_limit(env.user_limit()?);
    let (queue, dead_letters) = (env.queue()?, env.dead_letter_queue()?);
    let processor = Processor::new(
        jobs,
        env.submissions()?,
        queue,
        dead_letters,
        worker,
        env.metrics()?,
    );
    lambda_runtime::run(service_fn(|event| process_jobs(&processor, event))).await
}
