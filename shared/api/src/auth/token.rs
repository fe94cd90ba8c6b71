//! The validation of a token's claims, and the user that they name.

use jobs::{Caller, Session, Time, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};

/// The allowed difference between the clocks of the issuer and of this system, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// The claim with the role, unless another is configured.
pub const DEFAULT_ROLE_CLAIM: &str = "role";

/// The token is not valid, or names no user. The error text is for the log and never contains any
/// part of the token.
#[derive(Debug, thiserror::Error)]
pub enum InvalidToken {
    /// The signature, a time, the issuer or the audience is wrong.
    #[error("refused: {0}")]
    Refused(#[from] jsonwebtoken::errors::Error),
    /// No usable key has the token's key id.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The header `crit` requires an extension of JWS.
    #[error("the header crit requires an extension")]
    Critical,
    /// The user claim is missing or not an id.
    #[error("the claim {0} is not a user id")]
    NoUser(String),
}

/// The rules for a token's claims.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The required `iss`; `None` accepts any.
    pub issuer: Option<String>,
    /// The required `aud`; `None` accepts any.
    pub audience: Option<String>,
    /// The claim with the user id.
    pub user_claim: String,
    /// The claim that contains `admin`, as a string or in a list. With [`DEFAULT_ROLE_CLAIM`], the
    /// claim `roles` counts too.
    pub role_claim: String,
}

impl TokenRules {
    /// Verifies `token` with `key` and the single `algorithm` of that key, so that neither
    /// `alg: none` nor a public key used as a shared secret is accepted.
    ///
    /// # Errors
    /// If the token is not valid.
    pub fn check(
        &self,
        token: &str,
        key: &DecodingKey,
        algorithm: Algorithm,
    ) -> Result<Session, InvalidToken> {
        let token = decode::<Map<String, Value>>(token, key, &self.validation(algorithm))?;
        // Each extension in `crit` must be understood, and none is (RFC 7515, section 4.1.11).
        if token.header.crit.is_some() {
            return Err(InvalidToken::Critical);
        }
        let claims = token.claims;
        let user = claims.get(&self.user_claim).and_then(user_id);
        let user_id = user.ok_or_else(|| InvalidToken::NoUser(self.user_claim.clone()))?;
        let admin = self
            .role_claims()
            .iter()
            .filter_map(|name| claims.get(*name))
            .any(has_admin);
        Ok(Session {
            caller: Caller { user_id, admin },
            expires_at: expires_at(&claims),
        })
    }

    /// Another claim is configured where the users themselves may write the default ones.
    fn role_claims(&self) -> Vec<&str> {
        match self.role_claim.as_str() {
            DEFAULT_ROLE_CLAIM => vec![DEFAULT_ROLE_CLAIM, "roles"],
            configured => vec![configured],
        }
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        match &self.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

/// The time of `exp`, which is a number of seconds and may have a fraction (RFC 7519, section 2);
/// at the latest the last time that can be written.
fn expires_at(claims: &Map<String, Value>) -> Time {
    const LATEST: f64 = 253_402_207_200.0;
    let seconds = claims.get("exp").and_then(Value::as_f64);
    let millis = seconds.unwrap_or_default().clamp(0.0, LATEST) * 1_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is within bounds")]
    Time::from_millis(millis as i64)
}

fn user_id(claim: &Value) -> Option<UserId> {
    match claim {
        Value::Number(number) => UserId::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn has_admin(claim: &Value) -> bool {
    match claim {
        Value::String(role) => role == "admin",
        Value::Array(roles) => roles.iter().any(|role| role == "admin"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
    const FAR: u64 = 4_102_444_800;

    fn rules() -> TokenRules {
        TokenRules {
            issuer: None,
            audience: None,
            user_claim: "sub".to_owned(),
            role_claim: "role".to_owned(),
        }
    }

    fn token(claims: &Value) -> String {
        encode(
            &Header::default(),
            claims,
            &EncodingKey::from_secret(SECRET),
        )
        .unwrap()
    }

    fn check(rules: &TokenRules, claims: &Value) -> Result<Session, InvalidToken> {
        rules.check(
            &token(claims),
            &DecodingKey::from_secret(SECRET),
            Algorithm::HS256,
        )
    }

    #[test]
    fn user_is_a_number_or_a_string_of_digits() {
        assert_eq!(
            check(&rules(), &json!({"sub": 7, "exp": FAR}))
                .unwrap()
                .caller
                .user_id
                .get(),
            7
        );
        assert_eq!(
            check(&rules(), &json!({"sub": "7", "exp": FAR}))
                .unwrap()
                .caller
                .user_id
                .get(),
            7
        );
        for sub in [
            json!("seven"),
            json!(-7),
            json!(7.5),
            json!(null),
            json!(""),
        ] {
            assert!(matches!(
                check(&rules(), &json!({"sub": sub, "exp": FAR})),
                Err(InvalidToken::NoUser(_))
            ));
        }
    }

    #[test]
    fn admin_is_found_in_role_or_roles() {
        for (claims, admin) in [
            (json!({"sub": 7, "exp": FAR, "role": "admin"}), true),
            (
                json!({"sub": 7, "exp": FAR, "roles": ["user", "admin"]}),
                true,
            ),
            (
                json!({"sub": 7, "exp": FAR, "role": "administrator"}),
                false,
            ),
            (json!({"sub": 7, "exp": FAR, "roles": "user"}), false),
            (json!({"sub": 7, "exp": FAR}), false),
        ] {
            assert_eq!(
                check(&rules(), &claims).unwrap().caller.admin,
                admin,
                "{claims}"
            );
        }
    }

    #[test]
    fn only_the_configured_claim_makes_an_admin() {
        let rules = TokenRules {
            role_claim: "groups".to_owned(),
            ..rules()
        };
        for (claims, admin) in [
            (json!({"sub": 7, "exp": FAR, "groups": ["admin"]}), true),
            (json!({"sub": 7, "exp": FAR, "groups": "admin"}), true),
            (json!({"sub": 7, "exp": FAR, "roles": ["admin"]}), false),
            (json!({"sub": 7, "exp": FAR, "role": "admin"}), false),
        ] {
            assert_eq!(
                check(&rules, &claims).unwrap().caller.admin,
                admin,
                "{claims}"
            );
        }
    }

    #[test]
    fn critical_extension_is_refused() {
        for crit in [vec!["b64".to_owned()], vec!["exp".to_owned()], Vec::new()] {
            let header = Header {
                crit: Some(crit),
                ..Header::default()
            };
            let claims = json!({"sub": 7, "exp": FAR});
            let token = encode(&header, &claims, &EncodingKey::from_secret(SECRET)).unwrap();
            let key = DecodingKey::from_secret(SECRET);
            assert!(matches!(
                rules().check(&token, &key, Algorithm::HS256),
                Err(InvalidToken::Critical)
            ));
        }
    }

    #[test]
    fn expired_future_and_endless_tokens_are_refused() {
        assert!(check(&rules(), &json!({"sub": 7, "exp": 1_000})).is_err());
        assert!(check(&rules(), &json!({"sub": 7, "exp": FAR, "nbf": FAR - 1})).is_err());
        assert!(check(&rules(), &json!({"sub": 7})).is_err());
    }

    #[test]
    fn expiry_is_the_time_of_exp() {
        for (exp, expected) in [
            (json!(FAR), "2100-01-01T00:00:00.000Z"),
            (json!(4_102_444_800.5), "2100-01-01T00:00:00.500Z"),
            (json!(u64::MAX), "9999-12-30T22:00:00.000Z"),
        ] {
            let session = check(&rules(), &json!({"sub": 7, "exp": exp})).unwrap();
            assert_eq!(session.expires_at.to_string(), expected);
        }
    }

    #[test]
    fn issuer_and_audience_are_checked_when_configured() {
        let rules = TokenRules {
            issuer: Some("web".to_owned()),
            audience: Some("jobs".to_owned()),
            ..rules()
        };
        assert!(
            check(
                &rules,
                &json!({"sub": 7, "exp": FAR, "iss": "web", "aud": "jobs"})
            )
            .is_ok()
        );
        assert!(
            check(
                &rules,
                &json!({"sub": 7, "exp": FAR, "iss": "web", "aud": ["jobs", "x"]})
            )
            .is_ok()
        );
        assert!(
            check(
                &rules,
                &json!({"sub": 7, "exp": FAR, "iss": "other", "aud": "jobs"})
            )
            .is_err()
        );
        assert!(
            check(
                &rules,
                &json!({"sub": 7, "exp": FAR, "iss": "web", "aud": "other"})
            )
            .is_err()
        );
        assert!(check(&rules, &json!({"sub": 7, "exp": FAR})).is_err());
    }

    #[test]
    fn wrong_signature_and_wrong_algorithm_are_refused() {
        let claims = json!({"sub": 7, "exp": FAR});
        let other = DecodingKey::from_secret(b"another secret of thirty-two bytes!!");
        assert!(
            rules()
                .check(&token(&claims), &other, Algorithm::HS256)
                .is_err()
        );
        // {"alg":"none","typ":"JWT"} with no signature.
        let body = token(&claims).split('.').nth(1).unwrap().to_owned();
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
        assert!(
            rules()
                .check(&none, &DecodingKey::from_secret(SECRET), Algorithm::HS256)
                .is_err()
        );
        let hs512 = encode(
            &Header::new(Algorithm::HS512),
            &claims,
            &EncodingKey::from_secret(SECRET),
        )
        .unwrap();
        assert!(
            rules()
                .check(&hs512, &DecodingKey::from_secret(SECRET), Algorithm::HS256)
                .is_err()
        );
        assert!(
            rules()
                .check("", &DecodingKey::from_secret(SECRET), Algorithm::HS256)
                .is_err()
        );
    }
}
