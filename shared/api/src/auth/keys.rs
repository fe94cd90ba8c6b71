//! The keys that tokens are checked with, and how they follow a rotation without a deployment.

use std::time::Duration;

use jobs::{Caller, Clock, Time};
use jsonwebtoken::{
    Algorithm, DecodingKey, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use tokio::sync::Mutex;

use super::{InvalidToken, TokenRules};

/// How long keys are used before they are fetched anew.
const FRESH_FOR: Duration = Duration::from_mins(15);
/// How soon after a try they may be fetched again: a flood of bad tokens must not become a flood
/// of requests.
const REFETCH_AFTER: Duration = Duration::from_secs(30);
/// The shortest secret: as long as the hash's output (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret could not be read from Secrets Manager.
    #[error("the token secret cannot be read: {0}")]
    Secret(String),
    /// The secret is too short to sign with.
    #[error("the token secret must have at least {MIN_SECRET_BYTES} bytes")]
    WeakSecret,
    /// The JWKS could not be fetched.
    #[error("the JWKS cannot be fetched: {0}")]
    Jwks(#[from] reqwest::Error),
}

/// Where the keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A shared secret in AWS Secrets Manager, for HS256.
    Secret {
        /// The client.
        client: aws_sdk_secretsmanager::Client,
        /// The secret's name or ARN.
        name: String,
    },
    /// A JSON Web Key Set, for RS256 and ES256.
    Jwks {
        /// The client.
        client: reqwest::Client,
        /// Where the set is.
        url: String,
    },
}

enum KeySet {
    Secret(DecodingKey),
    Jwks(JwkSet),
}

/// Keys, kept between calls.
pub struct Keys {
    source: KeySource,
    clock: Clock,
    kept: Mutex<Kept>,
}

struct Kept {
    keys: KeySet,
    fetched_at: Time,
    /// When they were last asked for, with or without success.
    tried_at: Time,
}

impl KeySource {
    async fn fetch(&self) -> Result<KeySet, KeyError> {
        match self {
            Self::Secret { client, name } => {
                let secret = client.get_secret_value().secret_id(name).send().await;
                let secret = secret.map_err(|error| {
                    KeyError::Secret(
                        aws_sdk_secretsmanager::error::DisplayErrorContext(error).to_string(),
                    )
                })?;
                let secret = secret.secret_string.unwrap_or_default();
                if secret.len() < MIN_SECRET_BYTES {
                    return Err(KeyError::WeakSecret);
                }
                Ok(KeySet::Secret(DecodingKey::from_secret(secret.as_bytes())))
            }
            Self::Jwks { client, url } => {
                let set = client
                    .get(url)
                    .send()
                    .await?
                    .error_for_status()?
                    .json()
                    .await?;
                Ok(KeySet::Jwks(set))
            }
        }
    }
}

impl Keys {
    /// Fetches the keys for the first time.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn load(source: KeySource, clock: Clock) -> Result<Self, KeyError> {
        let (keys, now) = (source.fetch().await?, clock.now());
        let kept = Mutex::new(Kept {
            keys,
            fetched_at: now,
            tried_at: now,
        });
        Ok(Self {
            source,
            clock,
            kept,
        })
    }

    /// Finds who `token` stands for. Keys that are old, or that do not fit the token, are fetched
    /// anew first; where that fails, the ones at hand decide.
    ///
    /// # Errors
    /// When the token is not to be trusted.
    pub async fn check(&self, token: &str, rules: &TokenRules) -> Result<Caller, InvalidToken> {
        let mut kept = self.kept.lock().await;
        if self.clock.now().since(kept.fetched_at) >= FRESH_FOR {
            self.refetch(&mut kept).await;
        }
        let answer = kept.keys.check(token, rules);
        let unfit = answer.as_ref().is_err_and(may_be_rotation);
        if unfit && self.refetch(&mut kept).await {
            kept.keys.check(token, rules)
        } else {
            answer
        }
    }

    /// Fetches the keys anew, unless that was tried a moment ago. Says whether there are new ones.
    async fn refetch(&self, kept: &mut Kept) -> bool {
        let now = self.clock.now();
        if now.since(kept.tried_at) < REFETCH_AFTER {
            return false;
        }
        kept.tried_at = now;
        match self.source.fetch().await {
            Ok(keys) => {
                (kept.keys, kept.fetched_at) = (keys, now);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "token keys cannot be fetched anew; the ones at hand stay");
                false
            }
        }
    }
}

fn may_be_rotation(error: &InvalidToken) -> bool {
    use jsonwebtoken::errors::ErrorKind;
    match error {
        InvalidToken::UnknownKey => true,
        InvalidToken::Refused(error) => matches!(error.kind(), ErrorKind::InvalidSignature),
        InvalidToken::NoUser(_) => false,
    }
}

impl KeySet {
    fn check(&self, token: &str, rules: &TokenRules) -> Result<Caller, InvalidToken> {
        match self {
            Self::Secret(key) => rules.check(token, key, Algorithm::HS256),
            Self::Jwks(set) => {
                let header = decode_header(token)?;
                let jwk = match (&header.kid, set.keys.as_slice()) {
                    (Some(kid), _) => set.find(kid),
                    (None, [only]) => Some(only),
                    (None, _) => None,
                };
                let jwk = jwk.ok_or(InvalidToken::UnknownKey)?;
                let algorithm = algorithm(jwk).ok_or(InvalidToken::UnknownKey)?;
                rules.check(token, &DecodingKey::from_jwk(jwk)?, algorithm)
            }
        }
    }
}

/// The one algorithm that a key is used with: what the token's header says has no part in it.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
