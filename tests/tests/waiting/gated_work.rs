//! Work that ends when the test lets it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws::AwsError;
use jobs::Job;
use release_files::WorkError;
use serde_json::json;
use store::Completion;
use tokio::{sync::Semaphore, task::JoinHandle};
use worker::{Assignment, JobService, Processed, Work};

use crate::common::{NO_DEADLINE, job_id};

/// Work that signals its begin, waits for a permit to end, and counts the runs at work.
pub struct GatedWork {
    begun: Semaphore,
    may_end: Semaphore,
    running: AtomicU32,
    max_running: AtomicU32,
}

impl GatedWork {
    pub fn new() -> Arc<Self> {
        let (begun, may_end) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self {
            begun,
            may_end,
            running: AtomicU32::new(0),
            max_running: AtomicU32::new(0),
        })
    }

    /// Lets this many runs end.
    pub fn release(&self, runs: usize) {
        self.may_end.add_permits(runs);
    }

    /// Returns the highest number of runs that were at work at once.
    pub fn max_running(&self) -> u32 {
        self.max_running.load(Ordering::SeqCst)
    }
}

impl Work for GatedWork {
    async fn run(&self, _: Assignment) -> Result<Completion, WorkError> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_running.fetch_max(running, Ordering::SeqCst);
        self.begun.add_permits(1);
        self.may_end.acquire().await.unwrap().forget();
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(Completion::new(json!({})))
    }

    async fn clean_up(&self, _: &Job) -> Result<(), AwsError> {
        Ok(())
    }
}

/// Processes a job in the background, and returns once its work has begun.
pub async fn start(service: JobService, id: u64, work: &Arc<GatedWork>) -> JoinHandle<Processed> {
    let task = Arc::clone(work);
    let run = tokio::spawn(async move {
        let processed = service.process_job(job_id(id), &task, NO_DEADLINE);
        processed.await.unwrap()
    });
    work.begun.acquire().await.unwrap().forget();
    run
}
