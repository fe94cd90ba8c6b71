//! The live channel: what it costs to connect, to watch and to be told.

use std::time::Duration;

use jobs::{Session, testing::START};
use store::{RunProgress, Watched};

use super::{CostMeter, Measured, Units, claimed_job};
use crate::common::{OWNER, caller, job_id};

impl CostMeter {
    pub(super) async fn live(mut self) -> Vec<Measured> {
        let session = Session {
            caller: caller(OWNER),
            expires_at: START.after(Duration::from_hours(1)),
        };
        let store = self.api.store.clone();
        self.start();
        let (ticket, _) = store.create_ticket(session, START).await.unwrap();
        self.record("a ticket", Units::new(1, 0.0, 1.0));
        store.use_ticket(&ticket, START).await.unwrap().unwrap();
        store.open_connection("c", session, START).await.unwrap();
        self.record("a connection", Units::new(2, 0.0, 2.0));

        let (id, run) = claimed_job(&self.api).await;
        let watched = Watched::Job(job_id(id));
        self.start();
        let connection = store.connection("c").await.unwrap().unwrap();
        store.job(job_id(id), false).await.unwrap();
        store.count_watchers(watched, 100).await.unwrap();
        store.watch(&connection, watched, START).await.unwrap();
        store.mark_watched(job_id(id)).await.unwrap().unwrap();
        self.record("a watch of a job", Units::new(6, 2.0, 3.0));
        store.watchers(watched, 100).await.unwrap();
        self.record("those who watch a job", Units::new(1, 1.0, 0.0));
        let progress = RunProgress::default();
        store.heartbeat(&run, &progress, START).await.unwrap();
        self.record("a heartbeat of a watched job", Units::new(1, 0.0, 1.0));
        store.close_connection("c").await.unwrap();
        self.record("the end of a connection", Units::new(4, 1.0, 3.0));
        self.measured
    }
}
