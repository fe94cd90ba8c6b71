//! The caller in a request's context, which only an authorizer can write.

use std::collections::HashMap;

use jobs::{Caller, Session, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The caller, as the authorizers write them into a request's context.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Context {
    /// The user's id, or nothing if the request is refused. As text, because API Gateway may write
    /// a number in another form.
    pub user_id: String,
    /// `true` for an admin.
    pub admin: bool,
    /// The time at which the session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
}

impl Context {
    /// Reads the caller from the fields of a context; `None` if there is none.
    #[must_use]
    pub fn caller(fields: &HashMap<String, Value>) -> Option<Caller> {
        Some(Caller {
            user_id: text(fields, "user_id")?.parse().ok()?,
            admin: text(fields, "admin").is_some_and(|admin| admin == "true"),
        })
    }

    /// Reads the caller and the end of their session; `None` if either is missing.
    #[must_use]
    pub fn session(fields: &HashMap<String, Value>) -> Option<Session> {
        Some(Session {
            caller: Self::caller(fields)?,
            expires_at: text(fields, "expires_at")?.parse().ok()?,
        })
    }
}

impl From<Session> for Context {
    fn from(session: Session) -> Self {
        Self {
            user_id: session.caller.user_id.to_string(),
            admin: session.caller.admin,
            expires_at: Some(session.expires_at),
        }
    }
}

/// Returns a field as text. A WebSocket API passes every value as text, an HTTP API keeps its type.
fn text(fields: &HashMap<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use jobs::testing::START;
    use serde_json::json;

    use super::*;

    fn fields(context: &Value) -> HashMap<String, Value> {
        serde_json::from_value(context.clone()).unwrap()
    }

    fn session() -> Session {
        Session {
            caller: Caller {
                user_id: 7.try_into().unwrap(),
                admin: true,
            },
            expires_at: START,
        }
    }

    #[test]
    fn session_is_read_as_it_was_written() {
        let written = serde_json::to_value(Context::from(session())).unwrap();
        assert_eq!(Context::session(&fields(&written)), Some(session()));
        let as_text = json!({ "user_id": "7", "admin": "true", "expires_at": START });
        assert_eq!(Context::session(&fields(&as_text)), Some(session()));
    }

    #[test]
    fn only_true_makes_an_admin() {
        for admin in [
            json!(false),
            json!("false"),
            json!("yes"),
            json!(1),
            json!(null),
        ] {
            let fields = fields(&json!({ "user_id": 7, "admin": admin }));
            assert!(!Context::caller(&fields).unwrap().admin, "{admin}");
        }
        assert!(
            !Context::caller(&fields(&json!({ "user_id": "7" })))
                .unwrap()
                .admin
        );
    }

    #[test]
    fn context_of_a_refused_request_has_no_caller() {
        let refused = serde_json::to_value(Context::default()).unwrap();
        assert_eq!(Context::caller(&fields(&refused)), None);
        for user_id in [
            json!("0"),
            json!("-7"),
            json!("seven"),
            json!(7.5),
            json!(null),
        ] {
            let fields = fields(&json!({ "user_id": user_id, "admin": true }));
            assert_eq!(Context::caller(&fields), None, "{user_id}");
        }
    }
}
