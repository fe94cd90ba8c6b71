//! Permits: how many jobs may work on one thing at a time. A release has one, so that one job at
//! a time changes it; a user has as many as the operator allows.
//!
//! The permits that are taken are a set in an item of their own, an element for each run that
//! holds one. A run that dies gives nothing back, so whoever finds a set full looks at the
//! holders' jobs, and takes out those whose run does not live any more.

use std::collections::BTreeSet;

use aws::AwsError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jobs::{JobId, ReleaseId, Time, UserId};

use super::{DYNAMODB, RunHandle, Store, failed, item::Item, keys, update::n};

/// How often a set that was full is tried again after dead holders were taken out.
const TRIES: u32 = 3;

/// What permits are for, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permits {
    /// To change a release: one.
    Release(ReleaseId),
    /// To run a user's jobs: as many as the limit says.
    User(UserId, u32),
}

/// What came of asking for a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// It is there to be taken, or taken.
    Yes,
    /// All are held by runs that live, this job's among them.
    Full(JobId),
}

impl Permits {
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
}

/// A run as an element of the set.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Holder {
    job_id: JobId,
    fence: u32,
}

impl Holder {
    fn of(run: &RunHandle) -> Self {
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
    /// Whether a permit could be taken: a read that spares a claim which would have to be given back.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn has_permit(&self, permits: Permits, now: Time) -> Result<Permitted, AwsError> {
        let item = self.get_item(&permits.key(), false).await?;
        let holders = holders(item.as_ref());
        if holders.len() < permits.limit() as usize {
            return Ok(Permitted::Yes);
        }
        let (alive, _) = self.alive(holders, now).await?;
        Ok(permitted(permits, &alive))
    }

    /// Takes a permit for a run: one write, unless dead holders stand in the way.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn take_permit(
        &self,
        permits: Permits,
        run: &RunHandle,
        now: Time,
    ) -> Result<Permitted, AwsError> {
        let mut last = run.job_id;
        for _ in 0..TRIES {
            let Some(item) = self.add_holder(permits, run).await? else {
                return Ok(Permitted::Yes);
            };
            let (alive, dead) = self.alive(holders(Some(&item)), now).await?;
            if let Permitted::Full(holder) = permitted(permits, &alive) {
                return Ok(Permitted::Full(holder));
            }
            last = dead.first().map_or(last, |holder| holder.job_id);
            self.remove_holders(permits, &dead).await?;
        }
        // Whoever was faster each time had ended before we looked.
        Ok(Permitted::Full(last))
    }

    /// Gives a run's permit back. It may hold none.
    ///
    /// # Errors
    /// When DynamoDB cannot be asked.
    pub async fn give_permit(&self, permits: Permits, run: &RunHandle) -> Result<(), AwsError> {
        self.remove_holders(permits, &[Holder::of(run)]).await
    }

    /// `None`: it was added, or was there. Otherwise the full set.
    async fn add_holder(
        &self,
        permits: Permits,
        run: &RunHandle,
    ) -> Result<Option<Item>, AwsError> {
        let (key, me) = (permits.key(), Holder::of(run).text());
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk());
        let call = call
            .update_expression("ADD #holders :me_set SET #expires_at = :expires_at")
            .condition_expression(
                "attribute_not_exists(#holders) OR size(#holders) < :limit OR contains(#holders, :me)",
            )
            .expression_attribute_names("#holders", HOLDERS)
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_values(":me_set", AttributeValue::Ss(vec![me.clone()]))
            .expression_attribute_values(":me", AttributeValue::S(me))
            .expression_attribute_values(":limit", n(permits.limit()))
            .expression_attribute_values(":expires_at", n(run.expires_at.seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(
                    refusal,
                )) => Ok(Some(refusal.item.clone().unwrap_or_default())),
                _ => Err(failed(&error)),
            },
        }
    }

    async fn remove_holders(&self, permits: Permits, holders: &[Holder]) -> Result<(), AwsError> {
        if holders.is_empty() {
            return Ok(());
        }
        let key = permits.key();
        let texts = holders.iter().map(|holder| holder.text()).collect();
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk());
        let call = call
            .update_expression("DELETE #holders :gone")
            .condition_expression("attribute_exists(#holders)")
            .expression_attribute_names("#holders", HOLDERS)
            .expression_attribute_values(":gone", AttributeValue::Ss(texts));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(failed(&error)),
            },
        }
    }

    /// Parts the holders whose runs live from those that have ended or died.
    async fn alive(
        &self,
        holders: Vec<Holder>,
        now: Time,
    ) -> Result<(Vec<Holder>, Vec<Holder>), AwsError> {
        // A job whose run died may have a dead holder beside the living: DynamoDB wants each key once.
        let ids: BTreeSet<JobId> = holders.iter().map(|holder| holder.job_id).collect();
        let jobs = self.jobs(&Vec::from_iter(ids), true).await?;
        let lives = |holder: &Holder| {
            jobs.get(&holder.job_id).is_some_and(|job| {
                job.status == jobs::Status::Running
                    && job.fence == holder.fence
                    && !job.lease_has_expired(now)
            })
        };
        Ok(holders.into_iter().partition(lives))
    }
}

const HOLDERS: &str = "holders";

fn holders(item: Option<&Item>) -> Vec<Holder> {
    match item.and_then(|item| item.get(HOLDERS)) {
        Some(AttributeValue::Ss(texts)) => texts
            .iter()
            .filter_map(|text| Holder::parse(text))
            .collect(),
        Some(other) => {
            tracing::error!(
                service = DYNAMODB,
                ?other,
                "a set of permits is of another kind"
            );
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn permitted(permits: Permits, alive: &[Holder]) -> Permitted {
    match alive.first() {
        Some(holder) if alive.len() >= permits.limit() as usize => Permitted::Full(holder.job_id),
        _ => Permitted::Yes,
    }
}
