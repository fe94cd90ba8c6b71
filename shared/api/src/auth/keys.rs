//! The keys that verify tokens. They are refetched, so that a rotation needs no deployment.

use std::time::Duration;

use jobs::{Clock, Session, Time};
use jsonwebtoken::{
    Algorithm, DecodingKey, decode_header,
    jwk::{
        AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse,
    },
};
use tokio::sync::Mutex;

use super::{InvalidToken, TokenRules};

/// The age at which keys are refetched.
const MAX_KEY_AGE: Duration = Duration::from_mins(15);
/// The shortest time between two fetches, so that a flood of bad tokens does not become a flood of
/// requests.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(30);
/// The shortest secret, which is the size of the hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret could not be read from Secrets Manager.
    #[error("failed to read the token secret: {0}")]
    Secret(String),
    /// The secret is too short.
    #[error("the token secret is shorter than {MIN_SECRET_BYTES} bytes")]
    WeakSecret,
    /// The JWKS could not be fetched.
    #[error("failed to fetch the JWKS: {0}")]
    Jwks(#[from] reqwest::Error),
}

/// The source of the keys.
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
        /// The URL of the set.
        url: String,
    },
}

enum KeySet {
    Secret(DecodingKey),
    Jwks(JwkSet),
}

/// The keys, cached between calls.
pub struct Keys {
    source: KeySource,
    clock: Clock,
    cache: Mutex<Cache>,
}

struct Cache {
    keys: KeySet,
    fetched_at: Time,
    /// The time of the last fetch, even if it failed.
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
    /// If the keys cannot be fetched, or the secret is too short.
    pub async fn load(source: KeySource, clock: Clock) -> Result<Self, KeyError> {
        let (keys, now) = (source.fetch().await?, clock.now());
        let cache = Mutex::new(Cache {
            keys,
            fetched_at: now,
            tried_at: now,
        });
        Ok(Self {
            source,
            clock,
            cache,
        })
    }

    /// Verifies `token` and returns its user. Refetches keys that are old or do not fit the token;
    /// if the fetch fails, the cached keys stay in use.
    ///
    /// # Errors
    /// If the token is not valid.
    pub async fn check(&self, token: &str, rules: &TokenRules) -> Result<Session, InvalidToken> {
        let mut cache = self.cache.lock().await;
        if self.clock.now().since(cache.fetched_at) >= MAX_KEY_AGE {
            self.refetch(&mut cache).await;
        }
        let result = cache.keys.check(token, rules);
        let is_misfit = result.as_ref().is_err_and(may_be_rotation);
        if is_misfit && self.refetch(&mut cache).await {
            cache.keys.check(token, rules)
        } else {
            result
        }
    }

    /// Refetches the keys, unless the last fetch was too recent. Returns whether it succeeded.
    async fn refetch(&self, cache: &mut Cache) -> bool {
        let now = self.clock.now();
        if now.since(cache.tried_at) < MIN_FETCH_INTERVAL {
            return false;
        }
        cache.tried_at = now;
        match self.source.fetch().await {
            Ok(keys) => {
                (cache.keys, cache.fetched_at) = (keys, now);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "failed to refetch the token keys; keeping the old ones");
                false
            }
        }
    }
}

/// Returns whether a rotation of the keys may be the cause of `error`.
fn may_be_rotation(error: &InvalidToken) -> bool {
    use jsonwebtoken::errors::ErrorKind;
    match error {
        InvalidToken::UnknownKey => true,
        InvalidToken::Refused(error) => matches!(error.kind(), ErrorKind::InvalidSignature),
        InvalidToken::Critical | InvalidToken::NoUser(_) => false,
    }
}

impl KeySet {
    fn check(&self, token: &str, rules: &TokenRules) -> Result<Session, InvalidToken> {
        match self {
            Self::Secret(key) => rules.check(token, key, Algorithm::HS256),
            Self::Jwks(set) => {
                let header = decode_header(token)?;
                let (jwk, algorithm) =
                    find(set, header.kid.as_deref()).ok_or(InvalidToken::UnknownKey)?;
                rules.check(token, &DecodingKey::from_jwk(jwk)?, algorithm)
            }
        }
    }
}

/// Returns the key with this id, or the only one if the token names none, among those that may
/// verify tokens.
fn find<'a>(set: &'a JwkSet, kid: Option<&str>) -> Option<(&'a Jwk, Algorithm)> {
    let usable = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk, algorithm(jwk)?)));
    let mut usable = usable.filter(|(jwk, _)| kid.is_none() || jwk.common.key_id.as_deref() == kid);
    let first = usable.next()?;
    (kid.is_some() || usable.next().is_none()).then_some(first)
}

/// Returns the only algorithm allowed for a key, regardless of the token's header; `None` if the
/// key is not one to verify tokens with (RFC 7517, sections 4.2 to 4.4).
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let common = &jwk.common;
    let is_for_signatures = common
        .public_key_use
        .as_ref()
        .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let may_verify = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let has_algorithm = common.key_algorithm.is_none_or(|given| given == name);
    (is_for_signatures && may_verify && has_algorithm).then_some(algorithm)
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
