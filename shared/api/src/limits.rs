//! Limits on what one user may have, so that one user cannot fill the system.

use jobs::{Caller, ReleaseId, Status, Time, UserId};
use store::Store;

use crate::{Answer, Problem, allow_release, problem::Counted};

/// A limit on what one user may have: a number, or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserLimit<T = u32> {
    /// The most; `None` is no limit.
    pub max: Option<T>,
    /// True if it does not hold for requests of admins.
    pub admins_exempt: bool,
}

/// The limits on the jobs of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobLimits {
    /// Pending and running jobs.
    pub open: UserLimit,
    /// Drafts.
    pub drafts: UserLimit,
}

/// A job that a user is about to have more.
#[derive(Clone, Copy, Debug)]
pub struct AnotherJob<'a> {
    /// Its owner.
    pub owner: UserId,
    /// Its release.
    pub release_id: Option<ReleaseId>,
    /// True if it is a draft, false if it is open.
    pub draft: bool,
    /// The idempotency key of the request.
    pub key: Option<&'a str>,
}

impl<T> UserLimit<T> {
    /// Returns the most for a request of `caller`; `None` is no limit.
    #[must_use]
    pub fn max_for(self, caller: Caller) -> Option<T> {
        self.max.filter(|_| !(caller.admin && self.admins_exempt))
    }
}

impl JobLimits {
    /// Checks that the caller may access the job's release, and that its owner may have another job.
    /// The two checks run at the same time.
    ///
    /// # Errors
    /// 404 or 403 for the release, 429 if the owner has too many jobs, 503 or 500 if DynamoDB fails.
    pub async fn allow(
        self,
        caller: Caller,
        store: &Store,
        job: AnotherJob<'_>,
        now: Time,
    ) -> Answer<()> {
        let release = async {
            match job.release_id {
                Some(id) => allow_release(caller, store, id).await.map(drop),
                None => Ok(()),
            }
        };
        let (release, limit) = tokio::join!(release, self.allow_another(caller, store, job, now));
        release.and(limit)
    }

    /// A request that repeats an earlier one makes no job, so its key is looked up before it is
    /// refused.
    async fn allow_another(
        self,
        caller: Caller,
        store: &Store,
        job: AnotherJob<'_>,
        now: Time,
    ) -> Answer<()> {
        let (limit, status, what) = if job.draft {
            (self.drafts, Status::Draft, Counted::Drafts)
        } else {
            (self.open, Status::Pending, Counted::OpenJobs)
        };
        let Some(limit) = limit.max_for(caller) else {
            return Ok(());
        };
        let count = store.count_jobs(job.owner, status, limit).await?;
        if count < limit {
            return Ok(());
        }
        match job.key {
            Some(key) if store.is_job_key_used(job.owner, key, now).await? => Ok(()),
            _ => Err(Problem::limit_reached(what, limit.into(), count.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admins_are_exempt_if_the_operator_wants_it() {
        let caller = |admin| Caller {
            user_id: UserId::try_from(7).unwrap(),
            admin,
        };
        for (admins_exempt, admin, limit) in [
            (true, false, Some(3)),
            (true, true, None),
            (false, true, Some(3)),
        ] {
            let max = Some(3);
            let given = UserLimit { max, admins_exempt };
            assert_eq!(given.max_for(caller(admin)), limit);
        }
    }
}
