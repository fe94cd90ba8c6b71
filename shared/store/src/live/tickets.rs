//! Tickets: each opens one connection to the live channel.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_dynamodb::types::ReturnValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jobs::{Session, Time};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SessionItem;
use crate::{
    DYNAMODB, Store,
    item::{from_item, to_item},
    keys, sdk_error,
};

/// The time for which a ticket is valid.
const TICKET_LIFETIME: Duration = Duration::from_mins(1);

/// A ticket as it is stored: under its hash, so that nobody who reads the table can use it.
#[derive(Debug, Serialize, Deserialize)]
struct TicketItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    session: SessionItem,
    valid_until: i64,
    /// In seconds, for DynamoDB's TTL.
    expires_at: i64,
}

impl Store {
    /// Creates a ticket for a session. Returns it with the time until which it is valid.
    pub async fn create_ticket(
        &self,
        session: Session,
        now: Time,
    ) -> Result<(String, Time), AwsError> {
        let secret: [u8; 32] = jobs::random().random();
        let ticket = BASE64_URL_SAFE_NO_PAD.encode(secret);
        let valid_until = now.after(TICKET_LIFETIME).min(session.expires_at);
        let key = keys::ticket(&hash(&ticket));
        let item = to_item(TicketItem {
            pk: key.pk,
            sk: key.sk,
            session: session.into(),
            valid_until: valid_until.millis(),
            expires_at: valid_until.seconds(),
        })?;
        if self.put_new(item).await? {
            Ok((ticket, valid_until))
        } else {
            Err(AwsError::malformed(DYNAMODB, "a ticket was drawn twice"))
        }
    }

    /// Uses up a ticket. Returns its session, or `None` if there is no such ticket: it was used, is
    /// too old, or never existed.
    pub async fn use_ticket(&self, ticket: &str, now: Time) -> Result<Option<Session>, AwsError> {
        let key = keys::ticket(&hash(ticket));
        let call = self.client.delete_item().table_name(&self.table);
        let call = call.key("pk", key.pk()).key("sk", key.sk());
        let output = call.return_values(ReturnValue::AllOld).send().await;
        let Some(item) = output.map_err(|error| sdk_error(&error))?.attributes else {
            return Ok(None);
        };
        let ticket: TicketItem = from_item(item)?;
        let is_valid = now < Time::from_millis(ticket.valid_until);
        Ok(is_valid.then(|| ticket.session.into()))
    }
}

fn hash(ticket: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(ticket))
}
