//! The user behind a request, and the one place that compares them with an owner.

use crate::UserId;

/// The user behind a request, as the authorizer found them in the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// Whether the user may see and change what belongs to others.
    pub admin: bool,
}

impl Caller {
    /// Whether the caller may see and change what `owner` owns.
    #[must_use]
    pub fn may_access(&self, owner: UserId) -> bool {
        self.admin || self.user_id == owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_and_an_admin_have_access_and_a_stranger_has_not() {
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
