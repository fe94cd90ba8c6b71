//! A job reduced to the fields that the status machine decides.

use jobs::{FailureCode, LEASE, Status, Time};

/// The state that the store should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub status: Status,
    pub attempt: u32,
    pub fence: u32,
    pub progress: u8,
    pub error: Option<FailureCode>,
    pub lease_expires_at: Time,
    /// `true` if the last run deferred the job, so that the next one continues its attempt.
    pub is_deferred: bool,
    /// The crashes since the last deferral.
    pub crashes: u32,
}

impl Model {
    pub fn new(status: Status, now: Time) -> Self {
        Self {
            status,
            attempt: 0,
            fence: 0,
            progress: 0,
            error: None,
            lease_expires_at: now,
            is_deferred: false,
            crashes: 0,
        }
    }

    pub fn end(&mut self, status: Status, error: Option<FailureCode>) {
        self.status = status;
        self.error = error;
    }

    /// Claims the job; returns `false` if it is not pending.
    pub fn claim(&mut self, now: Time) -> bool {
        let is_pending = self.status == Status::Pending;
        if is_pending {
            if !self.is_deferred {
                self.attempt += 1;
                self.progress = 0;
            }
            self.fence += 1;
            self.status = Status::Running;
            self.lease_expires_at = now.after(LEASE);
        }
        is_pending
    }

    /// Returns whether a run with this fence may write.
    pub fn accepts(&self, fence: u32) -> bool {
        self.status == Status::Running && self.fence == fence
    }

    pub fn sweep(&mut self, now: Time) {
        if self.status != Status::Running || self.lease_expires_at > now {
            return;
        }
        self.crashes += 1;
        if self.crashes == 2 {
            self.end(Status::Failed, Some(FailureCode::AttemptCrashed));
        } else if self.attempt < 3 {
            self.status = Status::Pending;
            self.is_deferred = false;
        } else {
            self.end(Status::Failed, Some(FailureCode::AttemptsExhausted));
        }
    }

    /// Exhausts a message. `is_awaited` is true if the sweeper will send another one in time.
    pub fn dead_letter(&mut self, is_awaited: bool) {
        if self.status == Status::Pending && !is_awaited {
            self.end(Status::Failed, Some(FailureCode::DeadLettered));
        }
    }
}
