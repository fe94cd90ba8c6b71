//! Permits limit concurrency: one job at a time changes a release, and a user has a limit of
//! running jobs.
//!
//! The holders of a permit are a set in one item, with an element per run. A run does not release
//! its permit when it ends, which saves a write. A job that finds the set full reads the holders'
//! jobs, and its own write replaces the holders whose run has ended.

use std::collections::BTreeSet;

use aws::AwsError;
use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jobs::{JobId, ReleaseId, Time, UserId};

use crate::{DYNAMODB, RunHandle, Store, item::Item, keys, sdk_error, update::n};

/// The number of tries to acquire a permit whose holders change meanwhile.
const MAX_ATTEMPTS: u32 = 3;
const HOLDERS: &str = "holders";

/// A permit, by its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The one permit to change a release.
    Release(ReleaseId),
    /// A permit to run a job of a user, with the user's limit.
    User(UserId, u32),
}

/// The outcome of a check before a job is claimed.
#[derive(Clone, Debug)]
pub enum PermitCheck {
    /// The permit is free.
    Free(FreePermit),
    /// Live runs hold all permits; this job is one of the holders.
    Full(JobId),
}

/// A permit that was found free, with its holders as they were read.
#[derive(Clone, Debug)]
pub struct FreePermit {
    permit: Permit,
    seen: Vec<Holder>,
    alive: Vec<Holder>,
}

/// The outcome of requesting a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitOutcome {
    /// The permit is acquired.
    Granted,
    /// Live runs hold all permits; this job is one of the holders.
    Full(JobId),
}

impl FreePermit {
    /// Returns the permit.
    #[must_use]
    pub const fn permit(&self) -> Permit {
        self.permit
    }
}

impl Permit {
    const fn limit(self) -> u32 {
        match self {
            Self::Release(_) => 1,
            Self::User(_, limit) => limit,
        }
    }

    fn key(self) -> keys::Key {
        match self {
            Self::Release(id) => keys::permits("RELEASE", id.get()),
            Self::User(id, _) => keys::permits("USER", id.get()),
        }
    }

    const fn has_room(self, holders: &[Holder]) -> bool {
        holders.len() < self.limit() as usize
    }
}

/// A run that holds a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holder {
    job_id: JobId,
    fence: u32,
}

impl Holder {
    const fn new(run: &RunHandle) -> Self {
        Self {
            job_id: run.job_id,
            fence: run.fence,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (job_id, fence) = text.split_once('/')?;
        Some(Self {
            job_id: job_id.parse().ok()?,
            fence: fence.parse().ok()?,
        })
    }

    fn text(self) -> String {
        format!("{}/{}", self.job_id, self.fence)
    }
}

impl Store {
    /// Checks whether a permit is free, to avoid a claim that would have to be given back.
    pub async fn check_permit(&self, permit: Permit, now: Time) -> Result<PermitCheck, AwsError> {
        let item = self.get_item(&permit.key(), false).await?;
        self.check_holders(permit, holders(item.as_ref()), now)
            .await
    }

    /// Acquires a permit for a run. This takes one write, unless the holders have changed since the
    /// check and no place is left.
    pub async fn acquire_permit(
        &self,
        free: &FreePermit,
        run: &RunHandle,
        now: Time,
    ) -> Result<PermitOutcome, AwsError> {
        let (mut free, new) = (free.clone(), Holder::new(run));
        for _ in 0..MAX_ATTEMPTS {
            let call = if free.permit.has_room(&free.seen) {
                self.add_holder(free.permit, new)
            } else {
                self.replace_holders(&free, new)
            };
            let call = call
                .expression_attribute_names("#expires_at", "expires_at")
                .expression_attribute_values(":expires_at", n(run.expires_at.seconds()));
            let Some(item) = written(call).await? else {
                return Ok(PermitOutcome::Granted);
            };
            let current = holders(Some(&item));
            // The answer to this write was lost.
            if current.contains(&new) {
                return Ok(PermitOutcome::Granted);
            }
            free = match self.check_holders(free.permit, current, now).await? {
                PermitCheck::Free(free) => free,
                PermitCheck::Full(holder) => return Ok(PermitOutcome::Full(holder)),
            };
        }
        // Each time, other runs took the free permits first.
        let holder = free.seen.first().map_or(run.job_id, |other| other.job_id);
        Ok(PermitOutcome::Full(holder))
    }

    /// Releases the permit of a run whose job was ended from outside. Until then, or until the run
    /// must have stopped, no other job gets it.
    pub async fn release_permit(&self, permit: Permit, run: &RunHandle) -> Result<(), AwsError> {
        let removed = AttributeValue::Ss(vec![Holder::new(run).text()]);
        let call = self
            .update_permits(permit)
            .update_expression("DELETE #holders :removed")
            .condition_expression("attribute_exists(#holders)")
            .expression_attribute_values(":removed", removed);
        written(call).await.map(drop)
    }

    /// Reads the holders' jobs if no place is left without.
    async fn check_holders(
        &self,
        permit: Permit,
        seen: Vec<Holder>,
        now: Time,
    ) -> Result<PermitCheck, AwsError> {
        let alive = if permit.has_room(&seen) {
            seen.clone()
        } else {
            self.alive(&seen, now).await?
        };
        Ok(match alive.first() {
            Some(holder) if !permit.has_room(&alive) => PermitCheck::Full(holder.job_id),
            _ => PermitCheck::Free(FreePermit {
                permit,
                seen,
                alive,
            }),
        })
    }

    /// Builds the write that adds a holder while there is a place.
    fn add_holder(&self, permit: Permit, new: Holder) -> UpdateItemFluentBuilder {
        self.update_permits(permit)
            .update_expression("ADD #holders :new SET #expires_at = :expires_at")
            .condition_expression("attribute_not_exists(#holders) OR size(#holders) < :limit")
            .expression_attribute_values(":new", AttributeValue::Ss(vec![new.text()]))
            .expression_attribute_values(":limit", n(permit.limit()))
    }

    /// Builds the write that puts a new holder in the place of those whose run has ended.
    fn replace_holders(&self, free: &FreePermit, new: Holder) -> UpdateItemFluentBuilder {
        let set = |holders: &[Holder]| {
            AttributeValue::Ss(holders.iter().map(|holder| holder.text()).collect())
        };
        self.update_permits(free.permit)
            .update_expression("SET #holders = :new, #expires_at = :expires_at")
            .condition_expression("#holders = :seen")
            .expression_attribute_values(":new", set(&[free.alive.as_slice(), &[new]].concat()))
            .expression_attribute_values(":seen", set(&free.seen))
    }

    fn update_permits(&self, permit: Permit) -> UpdateItemFluentBuilder {
        let key = permit.key();
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .expression_attribute_names("#holders", HOLDERS)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Returns the holders whose run may still be at work.
    async fn alive(&self, holders: &[Holder], now: Time) -> Result<Vec<Holder>, AwsError> {
        // A job may have a dead and a live holder, but `BatchGetItem` refuses duplicate keys.
        let ids: BTreeSet<JobId> = holders.iter().map(|holder| holder.job_id).collect();
        let jobs = self.jobs(&Vec::from_iter(ids), true).await?;
        let is_alive = |holder: &&Holder| {
            jobs.get(&holder.job_id).is_some_and(|job| {
                // A cancelled run works until it notices.
                let works_until = job.lease_expires_at().or_else(|| job.stops_by());
                job.fence == holder.fence && works_until.is_some_and(|at| at > now)
            })
        };
        Ok(holders.iter().filter(is_alive).copied().collect())
    }
}

/// Sends a conditional write of permits. Returns the current item if the condition failed.
async fn written(call: UpdateItemFluentBuilder) -> Result<Option<Item>, AwsError> {
    match call.send().await {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                Ok(Some(refusal.item.clone().unwrap_or_default()))
            }
            _ => Err(sdk_error(&error)),
        },
    }
}

fn holders(item: Option<&Item>) -> Vec<Holder> {
    match item.and_then(|item| item.get(HOLDERS)) {
        Some(AttributeValue::Ss(texts)) => texts
            .iter()
            .filter_map(|text| Holder::parse(text))
            .collect(),
        Some(_) => {
            tracing::error!(
                service = DYNAMODB,
                "permit holders are stored as the wrong type"
            );
            Vec::new()
        }
        None => Vec::new(),
    }
}
