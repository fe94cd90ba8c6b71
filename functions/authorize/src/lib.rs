//! The API's authorizer: checks a bearer token once, for every route.

use api::auth::{Context, KeySource, Keys, TokenRules};
use aws_lambda_events::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse as Response,
    ApiGatewayV2CustomAuthorizerV2Request as Request,
};
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};

/// Builds the source of the keys and the rules for tokens from the settings.
pub fn from_settings(settings: &mut Settings) -> (KeySource, TokenRules) {
    (settings.key_source(), settings.token_rules())
}

/// Identifies the caller or refuses the request. The reason for a refusal is logged, without the
/// token.
///
/// # Errors
/// Never. A token that cannot be checked is refused.
pub async fn authorize(
    keys: &Keys,
    rules: &TokenRules,
    event: LambdaEvent<Request>,
) -> Result<Response<Context>, Error> {
    let request_id = event.context.request_id;
    let header = event.payload.headers.get("authorization");
    let header = header.and_then(|value| value.to_str().ok());
    let session = match bearer_token(header.unwrap_or_default()) {
        None => None,
        Some(token) => match keys.check(token, rules).await {
            Ok(session) => Some(session),
            Err(reason) => {
                tracing::info!(request_id, %reason, "token refused");
                None
            }
        },
    };
    let mut response = Response::default();
    response.is_authorized = session.is_some();
    response.context = session.map(Context::from).unwrap_or_default();
    Ok(response)
}

/// Returns the token of an `Authorization` header. The scheme is case-insensitive (RFC 9110,
/// section 11.1).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use api::testing::token_secret;
    use aws_lambda_events::http::header::AUTHORIZATION;
    use jobs::testing::ManualClock;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn bearer(claims: &Value) -> String {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        format!(
            "Bearer {}",
            encode(&Header::default(), claims, &key).unwrap()
        )
    }

    async fn respond(header: Option<&str>) -> Response<Context> {
        let keys = Keys::load(
            token_secret(|| SECRET.to_owned()),
            ManualClock::default().clock(),
        )
        .await
        .unwrap();
        let rules = TokenRules {
            issuer: None,
            audience: None,
            user_claim: "sub".to_owned(),
            role_claim: "role".to_owned(),
        };
        let mut request = Request::default();
        request
            .headers
            .extend(header.map(|value| (AUTHORIZATION, value.parse().unwrap())));
        authorize(
            &keys,
            &rules,
            LambdaEvent::new(request, lambda_runtime::Context::default()),
        )
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn valid_token_identifies_the_caller() {
        let claims = json!({"sub": 7, "role": "admin", "exp": 4_102_444_800_u64});
        let response = respond(Some(&bearer(&claims))).await;
        assert!(response.is_authorized);
        assert_eq!(
            response.context,
            Context {
                user_id: "7".to_owned(),
                admin: true,
                expires_at: Some("2100-01-01T00:00:00Z".parse().unwrap()),
            }
        );
    }

    #[tokio::test]
    async fn missing_or_invalid_token_is_refused() {
        let expired = bearer(&json!({"sub": 7, "role": "admin", "exp": 1}));
        for header in [
            None,
            Some(""),
            Some("Bearer "),
            Some("Bearer not.a.token"),
            Some(&expired),
        ] {
            let response = respond(header).await;
            assert!(!response.is_authorized, "{header:?}");
            assert_eq!(response.context, Context::default(), "{header:?}");
        }
    }

    #[test]
    fn only_bearer_tokens_are_accepted() {
        assert_eq!(bearer_token("Bearer abc"), Some("abc"));
        assert_eq!(bearer_token("bearer abc"), Some("abc"));
        assert_eq!(bearer_token("Basic abc"), None);
        assert_eq!(bearer_token("abc"), None);
        assert_eq!(bearer_token(""), None);
    }
}
