//! The live channel's WebSocket: opens and closes connections, and answers their messages.

use api::auth::Context;
use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest as Request;
use lambda::Settings;
use lambda_runtime::{Error, LambdaEvent};
use live::LiveSocket;
use serde_json::{Value, json};
use worker::Metrics;

/// What the function uses.
#[derive(Clone, Debug)]
pub struct Function {
    /// The server's side of the WebSocket.
    pub socket: LiveSocket,
    /// The metrics.
    pub metrics: Metrics,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Function {
    Function {
        socket: LiveSocket::new(settings.store(), settings.connections(), settings.clock()),
        metrics: settings.metrics(),
    }
}

/// Handles an event of a connection. A message is answered through the connection, because API
/// Gateway sends no client what this function returns.
///
/// # Errors
/// If a connection can be neither opened nor closed, because DynamoDB fails.
pub async fn handle(function: &Function, event: LambdaEvent<Request>) -> Result<Value, Error> {
    let request = event.payload;
    let context = request.request_context;
    let connection = context.connection_id.clone().unwrap_or_default();
    let request_id = context.request_id.clone();
    match context.event_type.as_deref() {
        Some("CONNECT") => {
            let Some(session) = Context::session(&context.authorizer.fields) else {
                tracing::error!(connection, "a connection has no session");
                return Ok(json!({ "statusCode": 403 }));
            };
            function.socket.open(&connection, session).await?;
            function.metrics.connection_opened();
            tracing::info!(connection, user_id = %session.caller.user_id, "connection opened");
        }
        Some("DISCONNECT") => {
            function.socket.close(&connection).await?;
            tracing::info!(connection, "connection closed");
        }
        _ => {
            let text = request.body.unwrap_or_default();
            let refusal = function
                .socket
                .receive(&connection, &text, request_id.clone());
            let refusal = refusal.await;
            let status = refusal.as_ref().map_or(200, api::Problem::status);
            let error = refusal.as_ref().and_then(api::Problem::cause);
            let error = error.map(tracing::field::display);
            tracing::info!(connection, request_id, status, error, "message answered");
        }
    }
    Ok(json!({ "statusCode": 200 }))
}
