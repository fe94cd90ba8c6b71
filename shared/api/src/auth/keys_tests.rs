use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jobs::testing::ManualClock;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::testing::token_secret;

/// 2100-01-01, which no test reaches.
const FAR: u64 = 4_102_444_800;

/// A provider's private key, and its entry in the JWKS.
struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    jwk: Jwk,
}

impl Signer {
    fn es256(kid: &str) -> Self {
        let pair =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .unwrap();
        Self::new(
            kid,
            EncodingKey::from_ec_der(pair.as_ref()),
            Algorithm::ES256,
        )
    }

    fn rs256(kid: &str) -> Self {
        let pair = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
        // The PKCS #1 key follows the PKCS #8 header, which has 26 bytes at this key size.
        Self::new(
            kid,
            EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]),
            Algorithm::RS256,
        )
    }

    fn new(kid: &str, key: EncodingKey, algorithm: Algorithm) -> Self {
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        Self {
            key,
            algorithm,
            jwk,
        }
    }

    fn token(&self) -> String {
        let header = Header {
            kid: self.jwk.common.key_id.clone(),
            ..Header::new(self.algorithm)
        };
        encode(&header, &claims(), &self.key).unwrap()
    }
}

/// An OIDC provider that serves a JWKS.
#[derive(Clone)]
struct Provider {
    /// The JWKS; `None` while the provider is down.
    set: Arc<Mutex<Option<String>>>,
    requests: Arc<AtomicUsize>,
    url: String,
}

impl Provider {
    fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let provider = Self {
            set: Arc::default(),
            requests: Arc::default(),
            url,
        };
        provider.publish(keys);
        let server = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                server.respond(stream.unwrap());
            }
        });
        provider
    }

    fn publish(&self, keys: &[&Signer]) {
        let set = JwkSet {
            keys: keys.iter().map(|signer| signer.jwk.clone()).collect(),
        };
        *self.set.lock().unwrap() = Some(serde_json::to_string(&set).unwrap());
    }

    fn go_down(&self) {
        *self.set.lock().unwrap() = None;
    }

    fn respond(&self, mut stream: impl Read + Write) {
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            request.push(byte[0]);
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        let (status, body) = match self.set.lock().unwrap().clone() {
            Some(set) => ("200 OK", set),
            None => ("503 Service Unavailable", String::new()),
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    async fn keys(&self, clock: &ManualClock) -> Keys {
        let source = KeySource::Jwks {
            client: reqwest::Client::new(),
            url: self.url.clone(),
        };
        Keys::load(source, clock.clock()).await.unwrap()
    }
}

fn claims() -> Value {
    json!({"sub": 7, "exp": FAR})
}

fn rules() -> TokenRules {
    TokenRules {
        issuer: None,
        audience: None,
        user_claim: "sub".to_owned(),
        role_claim: "role".to_owned(),
    }
}

fn hs256(secret: &[u8], kid: Option<&str>) -> String {
    let header = Header {
        kid: kid.map(str::to_owned),
        ..Header::default()
    };
    encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap()
}

async fn accepts(keys: &Keys, token: &str) -> bool {
    keys.check(token, &rules()).await.is_ok()
}

#[tokio::test]
async fn rsa_and_ec_tokens_are_accepted() {
    let (rsa, curve) = (Signer::rs256("r"), Signer::es256("e"));
    let keys = Provider::start(&[&rsa, &curve])
        .keys(&ManualClock::default())
        .await;
    assert!(accepts(&keys, &rsa.token()).await && accepts(&keys, &curve.token()).await);
}

#[tokio::test]
async fn new_provider_key_is_found_without_a_deployment() {
    let (old, new, clock) = (
        Signer::es256("1"),
        Signer::es256("2"),
        ManualClock::default(),
    );
    let provider = Provider::start(&[&old]);
    let keys = provider.keys(&clock).await;
    clock.advance(30);
    assert!(!accepts(&keys, &new.token()).await);
    provider.publish(&[&old, &new]);
    clock.advance(30);
    assert!(accepts(&keys, &new.token()).await && accepts(&keys, &old.token()).await);
}

#[tokio::test]
async fn withdrawn_provider_key_is_forgotten() {
    let (old, new, clock) = (
        Signer::es256("1"),
        Signer::es256("2"),
        ManualClock::default(),
    );
    let provider = Provider::start(&[&old]);
    let keys = provider.keys(&clock).await;
    provider.publish(&[&new]);
    clock.advance(14 * 60);
    assert!(accepts(&keys, &old.token()).await);
    clock.advance(60);
    assert!(!accepts(&keys, &old.token()).await);
}

#[tokio::test]
async fn flood_of_unknown_keys_causes_at_most_two_fetches_a_minute() {
    let (known, unknown, clock) = (
        Signer::es256("1"),
        Signer::es256("2"),
        ManualClock::default(),
    );
    let provider = Provider::start(&[&known]);
    let keys = provider.keys(&clock).await;
    for _ in 0..20 {
        for _ in 0..20 {
            assert!(!accepts(&keys, &unknown.token()).await);
        }
        clock.advance(60);
    }
    // One at the start, and one in each minute after the first, even when the set is old.
    assert_eq!(provider.requests(), 20);
    assert!(accepts(&keys, &known.token()).await);
}

#[tokio::test]
async fn cached_keys_stay_in_use_while_the_provider_is_down() {
    let (known, clock) = (Signer::es256("1"), ManualClock::default());
    let provider = Provider::start(&[&known]);
    let keys = provider.keys(&clock).await;
    provider.go_down();
    clock.advance(15 * 60);
    for _ in 0..5 {
        assert!(accepts(&keys, &known.token()).await);
    }
    assert_eq!(provider.requests(), 2);
    // Old keys are refetched after `MIN_FETCH_INTERVAL`, not after another `MAX_KEY_AGE`.
    provider.publish(&[]);
    clock.advance(30);
    assert!(!accepts(&keys, &known.token()).await);
}

#[tokio::test]
async fn new_secret_is_found_without_a_deployment() {
    let (secret, clock) = (Arc::new(Mutex::new("o".repeat(32))), ManualClock::default());
    let (requests, value) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&secret));
    let counter = Arc::clone(&requests);
    let source = token_secret(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        value.lock().unwrap().clone()
    });
    let keys = Keys::load(source, clock.clock()).await.unwrap();
    let (old, new) = (
        hs256("o".repeat(32).as_bytes(), None),
        hs256("n".repeat(32).as_bytes(), None),
    );
    assert!(accepts(&keys, &old).await);
    *secret.lock().unwrap() = "n".repeat(32);
    for _ in 0..5 {
        assert!(!accepts(&keys, &new).await);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    clock.advance(30);
    assert!(accepts(&keys, &new).await && !accepts(&keys, &old).await);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn short_secret_is_refused() {
    let (secret, clock) = (Arc::new(Mutex::new("s".repeat(31))), ManualClock::default());
    let value = Arc::clone(&secret);
    let source = token_secret(move || value.lock().unwrap().clone());
    assert!(matches!(
        Keys::load(source.clone(), clock.clock()).await,
        Err(KeyError::WeakSecret)
    ));
    *secret.lock().unwrap() = "s".repeat(32);
    let keys = Keys::load(source, clock.clock()).await.unwrap();
    // A later short secret does not replace the cached one.
    secret.lock().unwrap().clear();
    clock.advance(15 * 60);
    assert!(accepts(&keys, &hs256("s".repeat(32).as_bytes(), None)).await);
    assert!(!accepts(&keys, &hs256(b"", None)).await);
}

#[tokio::test]
async fn public_key_is_not_accepted_as_a_secret() {
    let signer = Signer::rs256("r");
    let keys = Provider::start(&[&signer])
        .keys(&ManualClock::default())
        .await;
    let AlgorithmParameters::RSA(public) = &signer.jwk.algorithm else {
        panic!("an RSA key")
    };
    let known = [
        public.n.clone().into_bytes(),
        BASE64_URL_SAFE_NO_PAD.decode(&public.n).unwrap(),
    ];
    for secret in known
        .into_iter()
        .chain([serde_json::to_vec(&signer.jwk).unwrap()])
    {
        assert!(!accepts(&keys, &hs256(&secret, Some("r"))).await);
    }
}

#[tokio::test]
async fn secret_in_a_public_set_is_not_accepted() {
    let mut signer = Signer::new("s", EncodingKey::from_secret(&[b's'; 32]), Algorithm::HS256);
    let clock = ManualClock::default();
    let keys = Provider::start(&[&signer]).keys(&clock).await;
    assert!(!accepts(&keys, &signer.token()).await);
    signer.jwk.common.key_id = None;
    assert!(!accepts(&keys, &signer.token()).await);
}

#[tokio::test]
async fn token_must_use_the_algorithm_of_its_key() {
    let (rsa, curve) = (Signer::rs256("r"), Signer::es256("e"));
    let provider = Provider::start(&[&rsa, &curve]);
    let (clock, secret) = (ManualClock::default(), token_secret(|| "s".repeat(32)));
    let (public, shared) = (
        provider.keys(&clock).await,
        Keys::load(secret, clock.clock()).await.unwrap(),
    );
    // Signed by one key, with the key id of the other.
    for (signer, kid) in [(&rsa, "e"), (&curve, "r")] {
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(signer.algorithm)
        };
        assert!(!accepts(&public, &encode(&header, &claims(), &signer.key).unwrap()).await);
    }
    // RSA with another hash, no signature, and a public key instead of a secret.
    let header = Header {
        kid: Some("r".to_owned()),
        ..Header::new(Algorithm::RS512)
    };
    assert!(!accepts(&public, &encode(&header, &claims(), &rsa.key).unwrap()).await);
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let unsigned = format!(
        "{}.{}.",
        part(&json!({"alg": "none", "kid": "r"})),
        part(&claims())
    );
    assert!(!accepts(&public, &unsigned).await && !accepts(&shared, &unsigned).await);
    assert!(!accepts(&shared, &rsa.token()).await);
}

#[tokio::test]
async fn token_without_a_key_id_is_accepted_only_with_a_single_key() {
    let (one, other) = (Signer::es256("1"), Signer::es256("2"));
    let anonymous = encode(&Header::new(Algorithm::ES256), &claims(), &one.key).unwrap();
    let clock = ManualClock::default();
    assert!(accepts(&Provider::start(&[&one]).keys(&clock).await, &anonymous).await);
    assert!(
        !accepts(
            &Provider::start(&[&one, &other]).keys(&clock).await,
            &anonymous
        )
        .await
    );
}

type Change = fn(&mut Jwk);

#[tokio::test]
async fn key_for_another_purpose_verifies_nothing() {
    let clock = ManualClock::default();
    let signing = |signer: &mut Signer| {
        signer.jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        signer.jwk.common.key_operations = Some(vec![KeyOperations::Verify]);
    };
    let changes: [(&str, Change); 4] = [
        ("use: enc", |jwk| {
            jwk.common.public_key_use = Some(PublicKeyUse::Encryption);
        }),
        ("key_ops: encrypt", |jwk| {
            jwk.common.key_operations = Some(vec![KeyOperations::Encrypt]);
        }),
        ("no key_ops", |jwk| {
            jwk.common.key_operations = Some(Vec::new());
        }),
        ("alg of an encryption", |jwk| {
            jwk.common.key_algorithm = Some(KeyAlgorithm::RSA_OAEP);
        }),
    ];
    for mut signer in [Signer::rs256("k"), Signer::es256("k")] {
        signing(&mut signer);
        let keys = Provider::start(&[&signer]).keys(&clock).await;
        assert!(accepts(&keys, &signer.token()).await);
        for (name, change) in changes {
            let mut other = Signer::new("k", signer.key.clone(), signer.algorithm);
            signing(&mut other);
            change(&mut other.jwk);
            let keys = Provider::start(&[&other]).keys(&clock).await;
            assert!(!accepts(&keys, &signer.token()).await, "{name}");
            // A key with the same id and the right purpose is found beside it.
            let keys = Provider::start(&[&other, &signer]).keys(&clock).await;
            assert!(accepts(&keys, &signer.token()).await, "{name}");
        }
    }
}
