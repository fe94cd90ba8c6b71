//! The live channel's authorizer: uses up the ticket of a new connection, and checks the origin of
//! the page that opens it.

use api::auth::Context;
use aws_lambda_events::{
    apigw::{
        ApiGatewayCustomAuthorizerPolicy as Policy,
        ApiGatewayCustomAuthorizerRequestTypeRequest as Request,
        ApiGatewayCustomAuthorizerResponse as Response,
    },
    iam::{IamPolicyEffect as Effect, IamPolicyStatement as Statement},
};
use jobs::{Clock, Session};
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use store::Store;

/// What the function uses.
#[derive(Clone, Debug)]
pub struct Door {
    /// The table.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The origins of the pages that may connect.
    pub origins: Vec<String>,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Door {
    Door {
        store: settings.store(),
        clock: settings.clock(),
        origins: settings.live_origins(),
    }
}

/// Allows a connection with a valid ticket. The reason for a refusal is logged, without the ticket.
///
/// # Errors
/// If DynamoDB fails. API Gateway then refuses the connection.
pub async fn authorize(
    door: &Door,
    event: LambdaEvent<Request>,
) -> Result<Response<Context>, Error> {
    let request_id = event.context.request_id;
    let request = event.payload;
    let session = if may_connect(&door.origins, &request) {
        let ticket = request.query_string_parameters.first("ticket");
        let now = door.clock.now();
        door.store
            .use_ticket(ticket.unwrap_or_default(), now)
            .await?
    } else {
        tracing::info!(
            request_id,
            "connection refused: the page's origin is not allowed"
        );
        None
    };
    tracing::info!(request_id, is_allowed = session.is_some(), "ticket checked");
    Ok(answer(session, request.method_arn.unwrap_or_default()))
}

/// Returns whether the page that opens the connection may do so. A client that is not a browser
/// sends no `Origin` (RFC 6455, section 10.2).
fn may_connect(origins: &[String], request: &Request) -> bool {
    let Some(origin) = request.headers.get("origin") else {
        return true;
    };
    origins
        .iter()
        .any(|allowed| origin.as_bytes() == allowed.as_bytes())
}

fn answer(session: Option<Session>, method_arn: String) -> Response<Context> {
    let mut statement = Statement::default();
    statement.action = vec!["execute-api:Invoke".to_owned()];
    statement.resource = vec![method_arn];
    statement.effect = match session {
        Some(_) => Effect::Allow,
        None => Effect::Deny,
    };
    let mut policy = Policy::default();
    policy.version = Some("2012-10-17".to_owned());
    policy.statement = vec![statement];
    let context = session.map(Context::from).unwrap_or_default();
    let mut response = Response::<Context>::default();
    response.principal_id = Some(context.user_id.clone());
    response.policy_document = policy;
    response.context = context;
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jobs::{
        Caller,
        testing::{ManualClock, START},
    };
    use serde_json::{Value, json};

    use super::*;

    struct Setup {
        door: Door,
        clock: ManualClock,
    }

    async fn setup() -> Setup {
        let clock = ManualClock::default();
        let door = Door {
            store: store::testing::store().await,
            clock: clock.clock(),
            origins: vec!["https://example.com".to_owned()],
        };
        Setup { door, clock }
    }

    impl Setup {
        async fn ticket(&self, lifetime: Duration) -> String {
            let session = Session {
                caller: Caller {
                    user_id: 7.try_into().unwrap(),
                    admin: true,
                },
                expires_at: START.after(lifetime),
            };
            let ticket = self.door.store.create_ticket(session, START).await;
            ticket.unwrap().0
        }

        async fn connect(&self, ticket: &str, origin: Option<&str>) -> Value {
            let headers = origin.map_or(json!({}), |origin| json!({ "Origin": origin }));
            let request = json!({
                "type": "REQUEST",
                "methodArn": "arn:aws:execute-api:us-east-1:123456789012:abc/live/$connect",
                "headers": headers,
                "queryStringParameters": { "ticket": ticket },
                "requestContext": { "routeKey": "$connect", "eventType": "CONNECT" },
            });
            let request = serde_json::from_value(request).unwrap();
            let event = LambdaEvent::new(request, lambda_runtime::Context::default());
            let response = authorize(&self.door, event).await.unwrap();
            serde_json::to_value(response).unwrap()
        }
    }

    fn effect(response: &Value) -> &Value {
        &response["policyDocument"]["Statement"][0]["Effect"]
    }

    #[tokio::test]
    async fn ticket_opens_one_connection() {
        let setup = setup().await;
        let ticket = setup.ticket(Duration::from_hours(1)).await;
        let first = setup.connect(&ticket, None).await;
        assert_eq!(effect(&first), "Allow");
        let ends = START.after(Duration::from_hours(1)).to_string();
        let context = json!({ "user_id": "7", "admin": true, "expires_at": ends });
        assert_eq!(first["context"], context);
        assert_eq!(effect(&setup.connect(&ticket, None).await), "Deny");
    }

    #[tokio::test]
    async fn ticket_is_valid_for_a_minute_and_not_beyond_its_session() {
        let setup = setup().await;
        let ticket = setup.ticket(Duration::from_hours(1)).await;
        let of_ended_session = setup.ticket(Duration::from_secs(30)).await;
        setup.clock.advance(31);
        assert_eq!(
            effect(&setup.connect(&of_ended_session, None).await),
            "Deny"
        );
        setup.clock.advance(30);
        assert_eq!(effect(&setup.connect(&ticket, None).await), "Deny");
        assert_eq!(effect(&setup.connect("", None).await), "Deny");
    }

    #[tokio::test]
    async fn page_of_another_origin_is_refused_and_uses_up_no_ticket() {
        let setup = setup().await;
        let ticket = setup.ticket(Duration::from_hours(1)).await;
        for origin in [
            "https://evil.example",
            "null",
            "https://example.com.evil.example",
        ] {
            let response = setup.connect(&ticket, Some(origin)).await;
            assert_eq!(effect(&response), "Deny", "{origin}");
        }
        let response = setup.connect(&ticket, Some("https://example.com")).await;
        assert_eq!(effect(&response), "Allow");
    }
}
