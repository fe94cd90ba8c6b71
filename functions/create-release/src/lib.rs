//! `POST /api/releases`: creates a release.

use api::{Answer, Body, Problem, ReleaseView, Route, SignedIn, created};
use axum::{Router, extract::State, response::Response};
use jobs::{
    Caller, Clock, FieldReader, ReleaseId,
    release::{MAX_METADATA_BYTES, NewRelease, check_group, check_type},
};
use lambda::Settings;
use store::Store;

/// Maximum length of a release's name, in characters.
const MAX_NAME_CHARS: usize = 200;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/releases")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.clock())
}

/// Builds the function's router.
pub fn router(store: Store, clock: Clock) -> Router {
    api::router(&ROUTES, create_release).with_state((store, clock))
}

/// The release to create, under the given id if any.
struct CreateRequest {
    id: Option<ReleaseId>,
    release: NewRelease,
}

impl CreateRequest {
    fn read(fields: &mut FieldReader, caller: Caller) -> Option<Self> {
        let id = fields.id("id");
        let release_type = fields.required("release_type", |fields, name| {
            fields.checked(name, check_type)
        });
        let name = fields.line("name", MAX_NAME_CHARS);
        let group = fields.checked("group", check_group);
        let metadata = fields.object("metadata").unwrap_or_default();
        let user_id = fields.id("user_id").unwrap_or(caller.user_id);
        let release = NewRelease {
            user_id,
            release_type: release_type?,
            name,
            group,
            metadata,
        };
        Some(Self { id, release })
    }
}

async fn create_release(
    State((store, clock)): State<(Store, Clock)>,
    SignedIn(caller): SignedIn,
    body: Body,
) -> Answer<Response> {
    let request = body.read_with(|fields| CreateRequest::read(fields, caller))?;
    let CreateRequest { id, release } = request;
    if !caller.may_access(release.user_id) {
        return Err(Problem::admins_only("create a release for another user"));
    }
    let metadata = serde_json::to_string(&release.metadata);
    if metadata.map_or(true, |text| text.len() > MAX_METADATA_BYTES) {
        return Err(Problem::too_large("metadata", MAX_METADATA_BYTES));
    }
    let release = worker::create_release(&store, &clock, id, &release).await?;
    let release = release.ok_or_else(Problem::id_taken)?;
    let location = format!("/api/releases/{}", release.id);
    Ok(created(&location, ReleaseView::from(release)))
}
