//! `POST /api/releases`: creates a release.

use api::{
    Answer, Body, Counted, IdempotencyKeyHeader, NoParams, Problem, Route, SignedIn, UserLimit,
    allow_release, release_answer,
};
use axum::{Router, extract::State, response::Response};
use jobs::{
    Caller, Clock, FieldReader, ReadFields, ReleaseId,
    release::{MAX_METADATA_BYTES, NewRelease, ReleaseFields},
};
use lambda::Settings;
use store::{CreateReleaseOutcome, Store};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/releases")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let limit = settings.user_limit("USER_RELEASE_LIMIT");
    router(settings.store(), settings.clock(), limit)
}

/// Builds the function's router. `limit` limits a user's releases.
pub fn router(store: Store, clock: Clock, limit: UserLimit) -> Router {
    api::router(&ROUTES, create_release).with_state((store, clock, limit))
}

/// The release to create, under the given id if any.
struct CreateRequest {
    id: Option<ReleaseId>,
    release: NewRelease,
}

impl CreateRequest {
    fn read(fields: &mut FieldReader, caller: Caller) -> Option<Self> {
        let id = fields.id("id");
        let release = ReleaseFields::read_fields(fields);
        let user_id = fields.id("user_id").unwrap_or(caller.user_id);
        let release = release?.owned_by(user_id);
        Some(Self { id, release })
    }
}

async fn create_release(
    State((store, clock, limit)): State<(Store, Clock, UserLimit)>,
    SignedIn(caller): SignedIn,
    _: NoParams,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    body: Body,
) -> Answer<Response> {
    body.limit("metadata", MAX_METADATA_BYTES)?;
    let request = body.read_with(|fields| CreateRequest::read(fields, caller))?;
    let CreateRequest { id, release } = request;
    if !caller.may_access(release.user_id) {
        return Err(Problem::admins_only("create a release for another user"));
    }
    // A user could otherwise take an id that the web application's database is about to give.
    if id.is_some() && !caller.admin {
        return Err(Problem::admins_only("choose the id of a release"));
    }
    let key = (caller.user_id, key.as_deref());
    let limit = limit.max_for(caller).map(u64::from);
    let created = worker::create_release(&store, &clock, id, &release, key, limit);
    let (release, is_new) = match created.await? {
        CreateReleaseOutcome::Created(release) => (release, true),
        CreateReleaseOutcome::Existing(id) => (allow_release(caller, &store, id).await?, false),
        CreateReleaseOutcome::KeyReused => return Err(Problem::key_reused()),
        CreateReleaseOutcome::IdTaken => return Err(Problem::id_taken()),
        CreateReleaseOutcome::TooMany(count) => {
            let limit = limit.unwrap_or(count);
            return Err(Problem::limit_reached(Counted::Releases, limit, count));
        }
    };
    Ok(release_answer(release, is_new))
}
