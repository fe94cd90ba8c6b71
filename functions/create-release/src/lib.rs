//! `POST /api/releases`: creates a release.

use api::{Answer, Body, Problem, ReleaseView, SignedIn, created};
use axum::{Router, extract::State, response::Response, routing::post};
use jobs::{
    Clock, UserId,
    release::{MAX_METADATA_BYTES, check_group, check_type},
};
use store::{NewRelease, Store};
use worker::service::create_release as store_release;

/// The function's route.
pub fn router(store: Store, clock: Clock) -> Router {
    Router::new()
        .route("/api/releases", post(create_release))
        .with_state((store, clock))
}

async fn create_release(
    State((store, clock)): State<(Store, Clock)>,
    SignedIn(caller): SignedIn,
    body: Body,
) -> Answer<Response> {
    let mut fields = body.fields();
    let id = fields.id("id");
    let release_type = fields.checked("release_type", check_type);
    let release_type = fields.require("release_type", release_type);
    let name = fields.line("name", 200);
    let group = fields.checked("group", check_group);
    let metadata = fields.object("metadata").unwrap_or_default();
    let user: Option<UserId> = fields.id("user_id");
    fields.finish()?;
    let user_id = user.unwrap_or(caller.user_id);
    if !caller.may_access(user_id) {
        return Err(Problem::admins_only("create a release for another user"));
    }
    if serde_json::to_string(&metadata).map_or(true, |text| text.len() > MAX_METADATA_BYTES) {
        return Err(Problem::too_large("metadata", MAX_METADATA_BYTES));
    }
    let release = NewRelease {
        user_id,
        release_type: release_type.unwrap_or_default(),
        name,
        group,
        metadata,
    };
    let release = store_release(&store, &clock, id, &release)
        .await?
        .ok_or_else(Problem::id_taken)?;
    Ok(created(
        &format!("/api/releases/{}", release.id),
        ReleaseView::from(release),
    ))
}
