//! The parameters and pages of lists of jobs.

use jobs::{Caller, JobId, Time, UserId};
use store::{Cursor, Filter, Scope, Store};

use super::{Answer, PageView, Params, Problem};

/// What a list is asked for, checked.
#[derive(Debug)]
pub struct ListParams {
    filter: Filter,
    user_id: Option<UserId>,
    limit: usize,
    cursor: Option<String>,
}

impl ListParams {
    /// Reads the parameters.
    ///
    /// # Errors
    /// 400, naming each that is at fault.
    pub fn read(mut params: Params) -> Answer<Self> {
        let filter = Filter {
            statuses: params.many("status"),
            job_types: params.many("job_type"),
            release_id: params.one("release_id"),
            created_by: None,
            created_after: params.one("created_after"),
            created_before: params.one("created_before"),
        };
        let (user_id, limit, cursor) = (
            params.one("user_id"),
            params.limit(50, 100),
            params.one("cursor"),
        );
        params.finish()?;
        Ok(Self {
            filter,
            user_id,
            limit,
            cursor,
        })
    }

    /// The whole list that `caller` asks for: a user's own jobs, or anyone's for an admin.
    ///
    /// # Errors
    /// 403 where a user asks for another's jobs.
    pub fn scope(&mut self, caller: Caller) -> Answer<Scope> {
        if self.user_id.is_some_and(|user| !caller.may_access(user)) {
            return Err(Problem::admins_only("see another user's jobs"));
        }
        let owner = if caller.admin {
            self.user_id
        } else {
            Some(caller.user_id)
        };
        Ok(match (owner, self.filter.release_id) {
            // The jobs of one release are few: theirs is the index to ask, whoever asks.
            (owner, Some(release)) => {
                self.filter.created_by = owner;
                Scope::Release(release)
            }
            (Some(owner), None) => Scope::Owner(owner),
            (None, None) => Scope::All,
        })
    }

    /// The jobs of one release; `user_id` narrows them.
    pub fn narrow(&mut self) {
        self.filter.created_by = self.user_id;
    }
}

/// A page of the list. The list of everyone's jobs is walked by time: only within `window`, its
/// oldest and newest time.
///
/// # Errors
/// 400 for a cursor of another query, 503 and 500 as DynamoDB answers.
pub async fn list_page(
    store: &Store,
    caller: Caller,
    scope: Scope,
    params: &ListParams,
    window: (Time, Time),
) -> Answer<PageView> {
    let cursor = Cursor::of(caller.user_id, scope, &params.filter);
    let before: Option<JobId> = match &params.cursor {
        Some(text) => Some(
            cursor
                .decode(text)
                .map_err(|error| Problem::invalid_field("cursor", error))?,
        ),
        None => None,
    };
    let mut filter = params.filter.clone();
    if scope == Scope::All {
        let (oldest, newest) = window;
        filter.created_after = Some(
            filter
                .created_after
                .map_or(oldest, |after| after.max(oldest)),
        );
        filter.created_before = Some(
            filter
                .created_before
                .map_or(newest, |before| before.min(newest)),
        );
    }
    let page = store.list(scope, &filter, before, params.limit).await?;
    Ok(PageView {
        jobs: page.jobs,
        next_cursor: page.next.map(|id| cursor.encode(id)),
    })
}
