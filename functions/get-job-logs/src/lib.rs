//! `GET /api/jobs/{id}/logs`: a job's log, in real time.

use api::{Answer, LogsView, PathId, QueryParams, Route, SignedIn, allow_job};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header::ACCEPT},
    response::Response,
};
use jobs::{Clock, JobId, Level};
use lambda::Settings;
use store::{LogQuery, Store};

/// The default `limit`: entries per page.
const DEFAULT_LIMIT: usize = 500;
/// The largest `limit`.
const MAX_LIMIT: usize = 1_000;

/// The function's routes.
pub const ROUTES: [Route; 2] = [
    Route::get("/api/jobs/{id}/logs"),
    Route::get("/api/wizard/jobs/{job_id}/logs"),
];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.clock())
}

/// Builds the function's router.
pub fn router(store: Store, clock: Clock) -> Router {
    api::router(&ROUTES, get_job_logs).with_state((store, clock))
}

async fn get_job_logs(
    State((store, clock)): State<(Store, Clock)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    headers: HeaderMap,
    mut params: QueryParams,
) -> Answer<Response> {
    let query = LogQuery {
        after: params.log_cursor("after"),
        level: params.one("level").unwrap_or(Level::Debug),
        since: params.one("since"),
        limit: params.limit(DEFAULT_LIMIT, MAX_LIMIT),
    };
    params.finish()?;
    let job = allow_job(caller, store.job(id, false).await?)?;
    let page = store.log_page(&job, &query).await?;
    let accept = headers.get(ACCEPT);
    let as_text = accept.is_some_and(|accept| accept.as_bytes().starts_with(b"text/plain"));
    Ok(LogsView::new(job, page, clock.now()).answer(as_text))
}
