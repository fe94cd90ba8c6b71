//! Runs the function on AWS Lambda.

use lambda_runtime::{Error, service_fn};

// The heartbeat needs a thread that no work keeps busy.
#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let processor = lambda::init(process_jobs::from_settings)?;
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
