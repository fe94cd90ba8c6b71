//! The API's authorizer: checks a bearer token once, for every route.

use aws_lambda_events::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse as Response, ApiGatewayV2CustomAuthorizerV2Request as Request,
};
use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};
use shared::auth::{Caller, Keys, TokenRules};

/// Who calls, as the routes' functions read it from the request's context.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Context {
    /// The user; 0, which is nobody's id, where the token is refused.
    pub user_id: u64,
    /// Whether the user is an admin.
    pub admin: bool,
}

impl From<Caller> for Context {
    fn from(caller: Caller) -> Self {
        Self { user_id: caller.user_id.get(), admin: caller.admin }
    }
}

/// Finds who calls, or refuses. Why a token is refused is logged, without the token.
///
/// # Errors
/// Never: what cannot be checked is refused.
pub async fn authorize(
    keys: &Keys,
    rules: &TokenRules,
    event: LambdaEvent<Request>,
) -> Result<Response<Context>, Error> {
    let request_id = event.context.request_id;
    let header = event.payload.headers.get("authorization").and_then(|value| value.to_str().ok());
    let caller = match bearer(header.unwrap_or_default()) {
        None => None,
        Some(token) => match keys.check(token, rules).await {
            Ok(caller) => Some(caller),
            Err(reason) => {
                tracing::info!(request_id, %reason, "token refused");
                None
            }
        },
    };
    let mut response = Response::default();
    response.is_authorized = caller.is_some();
    response.context = caller.map(Context::from).unwrap_or_default();
    Ok(response)
}

/// The token of an `Authorization` header; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_is_taken() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
        assert_eq!(bearer(""), None);
    }
}
