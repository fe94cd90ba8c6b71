//! The API's authorizer: checks a bearer token once, for every route.
