//! The view of the caller.

use jobs::{Session, Time, UserId};
use serde::Serialize;

/// The caller, as their token names them.
#[derive(Debug, Serialize)]
pub struct MeView {
    user_id: UserId,
    admin: bool,
    expires_at: Time,
}

impl From<Session> for MeView {
    fn from(Session { caller, expires_at }: Session) -> Self {
        Self {
            user_id: caller.user_id,
            admin: caller.admin,
            expires_at,
        }
    }
}
