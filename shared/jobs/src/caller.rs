//! The user who makes a request, and the one check of their access to what others own.

use serde::{Deserialize, Serialize};

use crate::{Time, UserId};

/// The user who makes a request, as the authorizer read them from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// True if the user may read and change what others own.
    pub admin: bool,
}

/// What a valid token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The user.
    #[serde(flatten)]
    pub caller: Caller,
    /// The time at which the token expires.
    pub expires_at: Time,
}

impl Caller {
    /// Returns whether the caller may read and change what `owner` owns.
    #[must_use]
    pub fn may_access(&self, owner: UserId) -> bool {
        self.admin || self.user_id == owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owner_and_admin_have_access() {
        let user = |id| UserId::try_from(id).unwrap();
        assert!(
            Caller {
                user_id: user(7),
                admin: false
            }
            .may_access(user(7))
        );
        assert!(
            Caller {
                user_id: user(1),
                admin: true
            }
            .may_access(user(7))
        );
        assert!(
            !Caller {
                user_id: user(8),
                admin: false
            }
            .may_access(user(7))
        );
    }
}
