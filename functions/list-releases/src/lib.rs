//! `GET /api/releases`: lists releases, with filters and pages.

use std::str::FromStr;

use api::{Answer, Problem, QueryParams, ReleasesView, Route, SignedIn};
use axum::{Json, Router, extract::State};
use jobs::{Caller, UserId, release::check_type};
use lambda::Settings;
use store::{Cursor, ReleaseFilter, ReleaseScope, Store};

/// The default `limit`: releases per page.
const DEFAULT_LIMIT: usize = 50;
/// The largest `limit`.
const MAX_LIMIT: usize = 100;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/releases")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store())
}

/// Builds the function's router.
pub fn router(store: Store) -> Router {
    api::router(&ROUTES, list_releases).with_state(store)
}

/// A valid type of a release.
struct ReleaseType(String);

impl FromStr for ReleaseType {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_type(text).map(|()| Self(text.to_owned()))
    }
}

async fn list_releases(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    mut params: QueryParams,
) -> Answer<Json<ReleasesView>> {
    let types: Vec<ReleaseType> = params.many("release_type");
    let filter = ReleaseFilter {
        release_types: types.into_iter().map(|ReleaseType(name)| name).collect(),
        created_after: params.one("created_after"),
        created_before: params.one("created_before"),
    };
    let user_id = params.one("user_id");
    let limit = params.limit(DEFAULT_LIMIT, MAX_LIMIT);
    let cursor: Option<String> = params.one("cursor");
    params.finish()?;
    let scope = scope(caller, user_id)?;
    let cursors = Cursor::of_releases(caller.user_id, scope, &filter);
    let position = cursor.map(|text| cursors.decode_release(&text)).transpose();
    let position = position.map_err(|error| Problem::invalid_field("cursor", error))?;
    let page = store.list_releases(scope, &filter, position, limit).await?;
    Ok(Json(ReleasesView {
        releases: page.releases.into_iter().map(Into::into).collect(),
        next_cursor: page.next.map(|next| cursors.encode_release(next)),
    }))
}

/// Returns the releases that the list covers: the caller's own or, for an admin, any user's.
fn scope(caller: Caller, user_id: Option<UserId>) -> Answer<ReleaseScope> {
    match user_id {
        Some(user) if !caller.may_access(user) => {
            Err(Problem::admins_only("list another user's releases"))
        }
        Some(user) => Ok(ReleaseScope::Owner(user)),
        None if caller.admin => Ok(ReleaseScope::All),
        None => Ok(ReleaseScope::Owner(caller.user_id)),
    }
}
