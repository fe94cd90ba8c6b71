//! Permits limit concurrency: one job at a time changes a release, and a user has a limit of
//! running jobs.
//!
//! The holders of a permit are a set in one item, with an element per run. A run that dies does not
//! release its permit, so a run that finds the set full reads the holders' jobs and removes the
//! holders whose run is dead.

use std::collections::BTreeSet;

use aws::AwsError;
use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jobs::{JobId, ReleaseId, Time, UserId};

use crate::{DYNAMODB, RunHandle, Store, item::Item, keys, sdk_error, update::n};

/// The number of tries to acquire a permit from a full set. Each removes the dead holders first.
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

/// The outcome of requesting a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitOutcome {
    /// The permit is free, or acquired.
    Granted,
    /// Live runs hold all permits; this job is one of the holders.
    Full(JobId),
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

    /// Returns the outcome for a set with these `alive` holders.
    fn outcome(self, alive: &[Holder]) -> PermitOutcome {
        match alive.first() {
            Some(holder) if alive.len() >= self.limit() as usize => {
                PermitOutcome::Full(holder.job_id)
            }
            _ => PermitOutcome::Granted,
        }
    }
}

/// A run that holds a permit.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    pub async fn check_permit(&self, permit: Permit, now: Time) -> Result<PermitOutcome, AwsError> {
        let item = self.get_item(&permit.key(), false).await?;
        let holders = holders(item.as_ref());
        if holders.len() < permit.limit() as usize {
            return Ok(PermitOutcome::Granted);
        }
        let (alive, _) = self.partition_alive(holders, now).await?;
        Ok(permit.outcome(&alive))
    }

    /// Acquires a permit for a run. This takes one write, unless dead holders fill the set.
    pub async fn acquire_permit(
        &self,
        permit: Permit,
        run: &RunHandle,
        now: Time,
    ) -> Result<PermitOutcome, AwsError> {
        let mut last = run.job_id;
        for _ in 0..MAX_ATTEMPTS {
            let Some(item) = self.add_holder(permit, run).await? else {
                return Ok(PermitOutcome::Granted);
            };
            let (alive, dead) = self.partition_alive(holders(Some(&item)), now).await?;
            if let full @ PermitOutcome::Full(_) = permit.outcome(&alive) {
                return Ok(full);
            }
            last = dead.first().map_or(last, |holder| holder.job_id);
            self.remove_holders(permit, &dead).await?;
        }
        // Each time, other runs took the free permits and ended before their jobs were read.
        Ok(PermitOutcome::Full(last))
    }

    /// Releases a run's permit, if it holds one.
    pub async fn release_permit(&self, permit: Permit, run: &RunHandle) -> Result<(), AwsError> {
        self.remove_holders(permit, &[Holder::new(run)]).await
    }

    /// Adds a holder. Returns `None` if the run now holds the permit, or the item if the set is
    /// full.
    async fn add_holder(&self, permit: Permit, run: &RunHandle) -> Result<Option<Item>, AwsError> {
        let holder = Holder::new(run).text();
        let call = self
            .update_permits(permit)
            .update_expression("ADD #holders :new SET #expires_at = :expires_at")
            .condition_expression(
                "attribute_not_exists(#holders) OR size(#holders) < :limit \
                 OR contains(#holders, :holder)",
            )
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_values(":new", AttributeValue::Ss(vec![holder.clone()]))
            .expression_attribute_values(":holder", AttributeValue::S(holder))
            .expression_attribute_values(":limit", n(permit.limit()))
            .expression_attribute_values(":expires_at", n(run.expires_at.seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
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

    async fn remove_holders(&self, permit: Permit, holders: &[Holder]) -> Result<(), AwsError> {
        if holders.is_empty() {
            return Ok(());
        }
        let removed = holders.iter().map(|holder| holder.text()).collect();
        let call = self
            .update_permits(permit)
            .update_expression("DELETE #holders :removed")
            .condition_expression("attribute_exists(#holders)")
            .expression_attribute_values(":removed", AttributeValue::Ss(removed));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(sdk_error(&error)),
            },
        }
    }

    fn update_permits(&self, permit: Permit) -> UpdateItemFluentBuilder {
        let key = permit.key();
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .expression_attribute_names("#holders", HOLDERS)
    }

    /// Splits the holders into those whose runs are alive and those whose runs are not.
    async fn partition_alive(
        &self,
        holders: Vec<Holder>,
        now: Time,
    ) -> Result<(Vec<Holder>, Vec<Holder>), AwsError> {
        // A job may have a dead and a live holder, but `BatchGetItem` refuses duplicate keys.
        let ids: BTreeSet<JobId> = holders.iter().map(|holder| holder.job_id).collect();
        let jobs = self.jobs(&Vec::from_iter(ids), true).await?;
        let is_alive = |holder: &Holder| {
            jobs.get(&holder.job_id).is_some_and(|job| {
                job.fence == holder.fence && job.lease_expires_at().is_some_and(|at| at > now)
            })
        };
        Ok(holders.into_iter().partition(is_alive))
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
