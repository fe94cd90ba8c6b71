//! Permits limit how many jobs work on one thing at a time: one job changes a release, and a user runs as many jobs as
//! the operator allows.
//!
//! The permits that are held are a set in an item of its own, with an element per run. A run that dies releases nothing,
//! so whoever finds the set full reads the holders' jobs and removes those whose run is no longer alive.

use std::collections::BTreeSet;

use aws::AwsError;
use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jobs::{JobId, ReleaseId, Time, UserId};

use crate::{DYNAMODB, RunHandle, Store, item::Item, keys, sdk_error, update::n};

/// How often a full set is tried again after dead holders were removed.
const MAX_ATTEMPTS: u32 = 3;
const HOLDERS: &str = "holders";

/// What a permit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// To change a release: there is one.
    Release(ReleaseId),
    /// To run a job of a user: there are as many as the limit.
    User(UserId, u32),
}

/// The outcome of asking for a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitOutcome {
    /// One is free, or acquired.
    Granted,
    /// All are held by living runs, one of this job among them.
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

    /// Whether one is free beside the `alive` holders.
    fn outcome(self, alive: &[Holder]) -> PermitOutcome {
        match alive.first() {
            Some(holder) if alive.len() >= self.limit() as usize => {
                PermitOutcome::Full(holder.job_id)
            }
            _ => PermitOutcome::Granted,
        }
    }
}

/// A run as an element of the set.
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
    /// Whether a permit is free: a read that saves a claim which would have to be given back.
    pub async fn check_permit(&self, permit: Permit, now: Time) -> Result<PermitOutcome, AwsError> {
        let item = self.get_item(&permit.key(), false).await?;
        let holders = holders(item.as_ref());
        if holders.len() < permit.limit() as usize {
            return Ok(PermitOutcome::Granted);
        }
        let (alive, _) = self.partition_alive(holders, now).await?;
        Ok(permit.outcome(&alive))
    }

    /// Acquires a permit for a run: one write, unless dead holders are in the way.
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
        // Others were faster each time, and had ended before their jobs were read.
        Ok(PermitOutcome::Full(last))
    }

    /// Releases a run's permit, if it holds one.
    pub async fn release_permit(&self, permit: Permit, run: &RunHandle) -> Result<(), AwsError> {
        self.remove_holders(permit, &[Holder::new(run)]).await
    }

    /// Adds a holder. Returns `None` if it was added or was there, otherwise the full set.
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

    /// Separates the holders whose runs are alive from those that have ended or died.
    async fn partition_alive(
        &self,
        holders: Vec<Holder>,
        now: Time,
    ) -> Result<(Vec<Holder>, Vec<Holder>), AwsError> {
        // A job whose run died may have a dead holder beside the living one: DynamoDB takes each key once.
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
            tracing::error!(service = DYNAMODB, "a set of permits has the wrong type");
            Vec::new()
        }
        None => Vec::new(),
    }
}
