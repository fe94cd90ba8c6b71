//! `GET /api/jobs`: lists jobs, with filters and pages.

use std::time::Duration;

use api::{
    Answer, ListParams, PageView, QueryParams, Route, SignedIn, key_page, list_page, read_key,
};
use axum::{Json, Router, extract::State};
use jobs::Clock;
use lambda::Settings;
use store::Store;

/// Tolerance for the clock of a function that creates jobs, which may run ahead.
const CLOCK_SKEW: Duration = Duration::from_mins(1);
/// Age of a draft up to which its job is in the list of all jobs for as long as it exists: the
/// retention begins again when a draft is submitted. Each 25 days take 16 queries.
const DRAFT_AGE: Duration = Duration::from_hours(25 * 24);

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::get("/api/jobs")];

#[derive(Clone)]
struct Parts {
    store: Store,
    clock: Clock,
    retention: Duration,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.clock(), settings.retention())
}

/// Builds the function's router. Jobs are kept for `retention`.
pub fn router(store: Store, clock: Clock, retention: Duration) -> Router {
    let parts = Parts {
        store,
        clock,
        retention,
    };
    api::router(&ROUTES, list_jobs).with_state(parts)
}

async fn list_jobs(
    State(parts): State<Parts>,
    SignedIn(caller): SignedIn,
    mut params: QueryParams,
) -> Answer<Json<PageView>> {
    let now = parts.clock.now();
    if let Some((key, owner)) = read_key(&mut params, caller)? {
        return Ok(Json(key_page(&parts.store, owner, &key, now).await?));
    }
    let mut params = ListParams::read(params)?;
    let scope = params.scope(caller, &parts.store).await?;
    let oldest = now.before(parts.retention + parts.retention.min(DRAFT_AGE));
    let window = (oldest, now.after(CLOCK_SKEW));
    let page = list_page(&parts.store, caller, scope, &params, window).await?;
    Ok(Json(page))
}
