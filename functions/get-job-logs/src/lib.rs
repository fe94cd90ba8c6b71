//! `GET /api/jobs/{id}/logs`: a job's log, in real time.

use api::{Answer, LogsView, Params, PathId, SignedIn, allow_job};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header::ACCEPT},
    response::Response,
    routing::get,
};
use jobs::JobId;
use store::{LogQuery, Store};

/// The function's routes.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/api/jobs/{id}/logs", get(get_job_logs))
        .route("/api/wizard/jobs/{job_id}/logs", get(get_job_logs))
        .with_state(store)
}

async fn get_job_logs(
    State(store): State<Store>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    headers: HeaderMap,
    mut params: Params,
) -> Answer<Response> {
    let query = LogQuery {
        after: params.seq("after"),
        level: params.one("level").unwrap_or(jobs::Level::Debug),
        since: params.one("since"),
        limit: params.limit(500, 1000),
    };
    params.finish()?;
    let job = allow_job(caller, store.job(id, false).await?)?;
    let page = store.log_page(&job, &query).await?;
    let as_text = headers
        .get(ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"text/plain"));
    Ok(LogsView::new(&job, page).answer(as_text))
}
