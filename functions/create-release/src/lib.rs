//! `POST /api/releases`: creates a release.

use api::{
    Answer, Body, Counted, IdempotencyKeyHeader, NoParams, Problem, Route, SignedIn, UserLimit,
    allow_release, release_answer,
};
use axum::{Router, extract::State, response::Response};
use jobs::{
    Caller, Clock, FieldReader, ReleaseId,
    release::{MAX_METADATA_BYTES, NewRelease, check_group, check_metadata, check_type},
};
use lambda::Settings;
use store::{CreateReleaseOutcome, Store};

/// Maximum length of a release's name, in characters.
const MAX_NAME_CHARS: usize = 200;

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
        let release_type = fields.required("release_type", |fields, name| {
            fields.checked(name, check_type)
        });
        let name = fields.line("name", MAX_NAME_CHARS);
        let group = fields.checked("group", check_group);
        let metadata = fields.object("metadata").unwrap_or_default();
        for error in check_metadata(&metadata) {
            fields.error(&error.field, error.message);
        }
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
