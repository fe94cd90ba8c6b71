//! The parameters and pages of lists of jobs.

use jobs::{Caller, JobId, MAX_KEY_CHARS, ReleaseId, Summary, Time, UserId};
use store::{Cursor, Filter, Scope, Store};

use crate::{Answer, PageView, Problem, QueryParams};

/// The largest number of jobs in a page by default.
const DEFAULT_LIMIT: usize = 50;
/// The largest `limit`.
const MAX_LIMIT: usize = 100;

/// The validated parameters of a list.
#[derive(Debug)]
pub struct ListParams {
    filter: Filter,
    user_id: Option<UserId>,
    limit: usize,
    cursor: Option<String>,
}

impl ListParams {
    /// Reads and validates the parameters.
    ///
    /// # Errors
    /// 400 with all errors.
    pub fn read(mut params: QueryParams) -> Answer<Self> {
        let filter = Filter {
            statuses: params.many("status"),
            job_types: params.many("job_type"),
            release_id: params.one("release_id"),
            created_by: None,
            created_after: params.one("created_after"),
            created_before: params.one("created_before"),
        };
        let list = Self {
            filter,
            user_id: params.one("user_id"),
            limit: params.limit(DEFAULT_LIMIT, MAX_LIMIT),
            cursor: params.one("cursor"),
        };
        params.finish()?;
        Ok(list)
    }

    /// Returns the jobs that the list covers: the caller's own or, for an admin, any user's.
    ///
    /// # Errors
    /// 403 if a user requests another user's jobs, 503 or 500 if DynamoDB fails.
    pub async fn scope(&mut self, caller: Caller, store: &Store) -> Answer<Scope> {
        if self.user_id.is_some_and(|user| !caller.may_access(user)) {
            return Err(Problem::admins_only("list another user's jobs"));
        }
        let owner = if caller.admin {
            self.user_id
        } else {
            Some(caller.user_id)
        };
        let Some(release) = self.filter.release_id else {
            return Ok(owner.map_or(Scope::All, Scope::Owner));
        };
        // A release has few jobs, so its index is the cheapest. But the jobs of another user's
        // release are nothing to examine, or to name in a cursor.
        if !caller.admin && !owns_release(store, caller, release).await? {
            return Ok(Scope::Owner(caller.user_id));
        }
        self.filter.created_by = owner;
        Ok(Scope::Release(release))
    }

    /// Restricts the jobs of one release to those of the parameter `user_id`.
    pub const fn filter_by_user(&mut self) {
        self.filter.created_by = self.user_id;
    }
}

async fn owns_release(store: &Store, caller: Caller, id: ReleaseId) -> Answer<bool> {
    let release = store.readable_release(id).await?;
    Ok(release.is_some_and(|release| caller.may_access(release.user_id)))
}

/// Reads the parameters of a search for the job that an idempotency key made: the key, and whose it
/// is. Returns `None` if they ask for a list.
///
/// # Errors
/// 400 with all errors, 403 if a user names another user.
pub fn read_key(params: &mut QueryParams, caller: Caller) -> Answer<Option<(String, UserId)>> {
    let Some(key) = params.text("idempotency_key", MAX_KEY_CHARS) else {
        return Ok(None);
    };
    let owner = params.one("user_id").unwrap_or(caller.user_id);
    std::mem::take(params).finish()?;
    if !caller.may_access(owner) {
        return Err(Problem::admins_only("list another user's jobs"));
    }
    Ok(Some((key, owner)))
}

/// Returns a page with the job that `owner`'s request or message with this idempotency key made, or
/// with none.
///
/// # Errors
/// 503 or 500 if DynamoDB fails.
pub async fn key_page(store: &Store, owner: UserId, key: &str, now: Time) -> Answer<PageView> {
    let job = store.job_of_key(owner, key, now).await?;
    Ok(PageView {
        jobs: job.iter().map(Summary::from).collect(),
        next_cursor: None,
    })
}

/// Returns a page of the list. A list of all users' jobs is read by time, within `window` (oldest
/// and newest).
///
/// # Errors
/// 400 for a cursor of another query, 503 or 500 if DynamoDB fails.
pub async fn list_page(
    store: &Store,
    caller: Caller,
    scope: Scope,
    params: &ListParams,
    window: (Time, Time),
) -> Answer<PageView> {
    let cursor = Cursor::new(caller.user_id, scope, &params.filter);
    let before: Option<JobId> = match &params.cursor {
        Some(text) => {
            let position = cursor.decode(text);
            Some(position.map_err(|error| Problem::invalid_field("cursor", error))?)
        }
        None => None,
    };
    let mut filter = params.filter.clone();
    if scope == Scope::All {
        let (oldest, newest) = window;
        let (after, before) = (filter.created_after, filter.created_before);
        filter.created_after = Some(after.map_or(oldest, |after| after.max(oldest)));
        filter.created_before = Some(before.map_or(newest, |before| before.min(newest)));
    }
    let page = store.list(scope, &filter, before, params.limit).await?;
    Ok(PageView {
        jobs: page.jobs,
        next_cursor: page.next.map(|id| cursor.encode(id)),
    })
}
