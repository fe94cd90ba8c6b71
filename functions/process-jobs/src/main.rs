//! Runs the function on AWS Lambda, or a reader of an untrusted file for it.

use std::{env, process::ExitCode};

use lambda_runtime::{Error, service_fn};
use worker::{Isolation, serve_reader};

fn main() -> Result<ExitCode, Error> {
    // The child of a job. It has no settings, and no runtime whose threads would take memory.
    if let Some(served) = env::args().nth(1).and_then(|name| serve_reader(&name)) {
        return Ok(served);
    }
    run()?;
    Ok(ExitCode::SUCCESS)
}

// The heartbeat needs a thread that no work keeps busy.
#[tokio::main(worker_threads = 2)]
async fn run() -> Result<(), Error> {
    let processor =
        lambda::init(|settings| process_jobs::from_settings(settings, Isolation::own_program()))?;
    lambda_runtime::run(service_fn(async |event| {
        let processed = process_jobs::process_jobs(&processor, event).await;
        if processed.is_err() {
            // Lambda starts a new process. A batch is one message, so no other job is hit.
            std::process::exit(1);
        }
        processed
    }))
    .await
}
