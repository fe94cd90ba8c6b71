//! Sends messages to the connections of the WebSocket API, and closes them.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::{
    Client, error::SdkError, operation::post_to_connection::PostToConnectionError, primitives::Blob,
};
use tokio::time::timeout;

use crate::ServerMessage;

/// The longest time that one message may take. A client that does not take it in time reads over
/// HTTP what it has missed.
const POST_TIME: Duration = Duration::from_secs(2);

/// The connections of the WebSocket API.
#[derive(Clone, Debug)]
pub struct Connections {
    client: Client,
}

/// The outcome of sending a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostOutcome {
    /// API Gateway has accepted the message.
    Sent,
    /// The connection is closed.
    Gone,
    /// The message is lost: the connection is too slow, or API Gateway throttles or fails.
    Dropped,
}

impl Connections {
    /// Creates the connections that `client` manages.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a message.
    pub async fn post(&self, connection: &str, message: &ServerMessage) -> PostOutcome {
        match serde_json::to_vec(message) {
            Ok(bytes) => self.post_bytes(connection, bytes).await,
            Err(error) => {
                tracing::error!(%error, "failed to serialize a message");
                PostOutcome::Dropped
            }
        }
    }

    pub(crate) async fn post_bytes(&self, connection: &str, bytes: Vec<u8>) -> PostOutcome {
        let post = self.client.post_to_connection();
        let post = post.connection_id(connection).data(Blob::new(bytes)).send();
        match timeout(POST_TIME, post).await {
            Ok(Ok(_)) => PostOutcome::Sent,
            Ok(Err(error)) if is_gone(&error) => PostOutcome::Gone,
            Ok(Err(error)) => {
                let error = aws::AwsError::from_sdk("API Gateway", &error);
                tracing::warn!(connection, %error, "message dropped");
                PostOutcome::Dropped
            }
            Err(_) => {
                tracing::warn!(connection, "message dropped: the connection is too slow");
                PostOutcome::Dropped
            }
        }
    }

    /// Closes a connection, if it is still open.
    pub async fn close(&self, connection: &str) {
        let close = self.client.delete_connection().connection_id(connection);
        if let Err(error) = close.send().await {
            tracing::info!(connection, error = %error.into_service_error(), "connection not closed");
        }
    }
}

fn is_gone<R>(error: &SdkError<PostToConnectionError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(PostToConnectionError::is_gone_exception)
}
