//! Extractors of the caller, ids, bodies and headers. Each refuses with a [`Problem`].

use std::{collections::HashMap, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, OptionalFromRequest, RawPathParams, Request},
    http::request::Parts,
};
use jobs::{
    Caller, FieldReader, JobId, MAX_KEY_CHARS, ReadFields, ReleaseId, Session, json_bytes,
    parse_object,
};
use lambda_http::request::RequestContext;
use serde_json::{Map, Value};

use crate::{Answer, Problem, Resource, auth::Context};

/// The largest body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;

/// The user who sent the request.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn(pub Caller);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let caller = authorized(parts).and_then(Context::caller);
        caller.map(Self).ok_or_else(Problem::unauthorized)
    }
}

/// The user who sent the request, with the time until which their token is valid.
#[derive(Clone, Copy, Debug)]
pub struct SignedInFor(pub Session);

impl<S: Sync> FromRequestParts<S> for SignedInFor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let session = authorized(parts).and_then(Context::session);
        session.map(Self).ok_or_else(Problem::unauthorized)
    }
}

/// Returns the request's context, which only the authorizer can write.
fn authorized(parts: &Parts) -> Option<&HashMap<String, Value>> {
    match parts.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => Some(&context.authorizer.as_ref()?.fields),
        _ => None,
    }
}

/// The id of a resource in a path.
pub trait PathResource: FromStr {
    /// The resource.
    const RESOURCE: Resource;
}

impl PathResource for JobId {
    const RESOURCE: Resource = Resource::Job;
}

impl PathResource for ReleaseId {
    const RESOURCE: Resource = Resource::Release;
}

/// The id in the path. A text that is not an id is answered with 404.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<T: PathResource, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let missing = || Problem::not_found(T::RESOURCE);
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| missing())?;
        let (_, text) = params.iter().next().ok_or_else(missing)?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

/// The body: a JSON object of at most 256 KiB and 64 levels. As `Option<Body>`, it may be absent.
#[derive(Debug, Default)]
pub struct Body(pub Map<String, Value>);

impl Body {
    fn parse(bytes: &[u8]) -> Answer<Self> {
        let object = parse_object(bytes);
        object.map(Self).map_err(Problem::malformed_body)
    }

    /// Refuses a field that is larger than `limit` bytes of JSON, before anything else is said of
    /// the body.
    ///
    /// # Errors
    /// 413.
    pub fn limit(&self, field: &'static str, limit: usize) -> Answer<()> {
        let bytes = self.0.get(field).map_or(0, json_bytes);
        if bytes > limit {
            return Err(Problem::too_large(field, limit));
        }
        Ok(())
    }

    /// Merges the body into the `fields` of a resource (RFC 7396), where null removes a field.
    /// Unknown fields that are null stay, so that they are refused.
    #[must_use]
    pub fn merged_into(self, mut fields: Value) -> Self {
        let mut merged = self.0.clone();
        merged.retain(|name, _| fields.get(name).is_none());
        json_patch::merge(&mut fields, &Value::Object(self.0));
        if let Value::Object(fields) = fields {
            merged.extend(fields);
        }
        Self(merged)
    }

    /// Refuses every field, for a route whose body may be absent or empty.
    ///
    /// # Errors
    /// 400 with all fields.
    pub fn read_nothing(self) -> Answer<()> {
        self.read_with(|_| Some(()))
    }

    /// Reads the body as a `T`.
    ///
    /// # Errors
    /// 400 with all errors.
    pub fn read<T: ReadFields>(self) -> Answer<T> {
        Ok(FieldReader::read(self.0, "")?)
    }

    /// Reads the body with a function instead of a type.
    ///
    /// # Errors
    /// 400 with all errors.
    pub fn read_with<T>(self, read: impl FnOnce(&mut FieldReader) -> Option<T>) -> Answer<T> {
        Ok(FieldReader::read_with(self.0, "", read)?)
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        Self::parse(&read_bytes(request, state).await?)
    }
}

impl<S: Send + Sync> OptionalFromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Option<Self>> {
        let bytes = read_bytes(request, state).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        Self::parse(&bytes).map(Some)
    }
}

async fn read_bytes<S: Send + Sync>(request: Request, state: &S) -> Answer<Bytes> {
    let too_large = || Problem::too_large("The request body", MAX_BODY_BYTES);
    let bytes = Bytes::from_request(request, state).await;
    let bytes = bytes.map_err(|_| too_large())?;
    if bytes.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The `Idempotency-Key` header, if there is one.
#[derive(Clone, Debug)]
pub struct IdempotencyKeyHeader(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKeyHeader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        const NAME: &str = "Idempotency-Key";
        let Some(value) = parts.headers.get(NAME) else {
            return Ok(Self(None));
        };
        // `to_str` also accepts a tab.
        let fits = |text: &&str| (1..=MAX_KEY_CHARS).contains(&text.len()) && !text.contains('\t');
        let Some(text) = value.to_str().ok().filter(fits) else {
            let message = format!("must be 1 to {MAX_KEY_CHARS} printable ASCII characters");
            return Err(Problem::invalid_field(NAME, message));
        };
        Ok(Self(Some(text.to_owned())))
    }
}
