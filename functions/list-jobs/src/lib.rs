//! `GET /api/jobs`: the list of jobs, with filters and pages.

use std::time::Duration;

use api::{Answer, ListParams, PageView, Params, SignedIn, list_page};
use axum::{Json, Router, extract::State, routing::get};
use jobs::Clock;
use store::Store;

const CLOCK_SKEW: Duration = Duration::from_mins(1);

#[derive(Clone)]
struct Parts {
    store: Store,
    clock: Clock,
    retention: Duration,
}

/// The function's route. Jobs older than `retention` are not looked for.
pub fn router(store: Store, clock: Clock, retention: Duration) -> Router {
    Router::new()
        .route("/api/jobs", get(list_jobs))
        .with_state(Parts {
            store,
            clock,
            retention,
        })
}

async fn list_jobs(
    State(parts): State<Parts>,
    SignedIn(caller): SignedIn,
    params: Params,
) -> Answer<Json<PageView>> {
    let mut params = ListParams::read(params)?;
    let scope = params.scope(caller)?;
    let now = parts.clock.now();
    // A job that is created right now, by a clock a little ahead, is in the list.
    let window = (now.before(parts.retention), now.after(CLOCK_SKEW));
    Ok(Json(
        list_page(&parts.store, caller, scope, &params, window).await?,
    ))
}
