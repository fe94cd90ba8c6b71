//! Extractors: the caller, ids, bodies, each refused in our own words.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::request::Parts,
};
use jobs::{Caller, Fields, JobId, ReleaseId, UserId};
use lambda_http::request::RequestContext;
use serde_json::{Map, Value};

use super::Problem;

/// The largest body, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The user who sent the request.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn(pub Caller);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        caller(parts).map(Self).ok_or_else(Problem::unauthorized)
    }
}

/// What the authorizer found stands in the request's context, which no client can write.
fn caller(parts: &Parts) -> Option<Caller> {
    let RequestContext::ApiGatewayV2(context) = parts.extensions.get::<RequestContext>()? else {
        return None;
    };
    let fields = &context.authorizer.as_ref()?.fields;
    let user_id = UserId::try_from(fields.get("user_id")?.as_u64()?).ok()?;
    Some(Caller {
        user_id,
        admin: fields
            .get("admin")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}

/// A kind of thing that a path names by its id.
pub trait Resource: FromStr {
    /// What it is called where there is none.
    const NAME: &'static str;
}

impl Resource for JobId {
    const NAME: &'static str = "job";
}

impl Resource for ReleaseId {
    const NAME: &'static str = "release";
}

/// The id in the path. Text that cannot be an id names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<T: Resource, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = || Problem::not_found(T::NAME);
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| missing())?;
        let (_, text) = params.iter().next().ok_or_else(missing)?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

/// The body: one JSON object of at most 256 KiB.
#[derive(Debug)]
pub struct Body(pub Map<String, Value>);

impl Body {
    /// The body's fields, to be read.
    #[must_use]
    pub fn fields(self) -> Fields {
        Fields::new(self.0, "")
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| too_large())?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| Problem::malformed())
    }
}

fn too_large() -> Problem {
    Problem::too_large("The body", MAX_BODY_BYTES)
}

/// A header's value as text; `None` where it is absent.
///
/// # Errors
/// 400 where it is not text, or not of 1 to `max` characters.
pub(super) fn text_header(
    value: Option<&axum::http::HeaderValue>,
    name: &str,
    max: usize,
) -> Result<Option<String>, Problem> {
    let Some(value) = value else { return Ok(None) };
    let fits = |text: &&str| (1..=max).contains(&text.chars().count());
    match value.to_str().ok().filter(fits) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::invalid_field(name, fault(max))),
    }
}

fn fault(max: usize) -> impl Display {
    format!("must be 1 to {max} printable ASCII characters")
}

/// The `Idempotency-Key` header.
#[derive(Clone, Debug)]
pub struct IdempotencyHeader(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyHeader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        const NAME: &str = "Idempotency-Key";
        text_header(parts.headers.get(NAME), NAME, jobs::MAX_KEY_CHARS).map(Self)
    }
}
