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

/// 2100-01-01: no test gets there.
const FAR: u64 = 4_102_444_800;

/// A provider's key, and how its set shows it.
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
        // The PKCS #1 key that stands behind the header of PKCS #8, 26 bytes at this size.
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

/// An OIDC provider: its set, whether it is down, and how often it was asked.
#[derive(Clone)]
struct Provider {
    set: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
    url: String,
}

impl Provider {
    fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let provider = Self {
            set: Arc::default(),
            asked: Arc::default(),
            url,
        };
        provider.publish(keys);
        let answering = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answering.answer(stream.unwrap());
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

    fn answer(&self, mut stream: impl Read + Write) {
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            request.push(byte[0]);
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
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

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
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
async fn tokens_of_both_kinds_of_public_keys_are_taken() {
    let (rsa, curve) = (Signer::rs256("r"), Signer::es256("e"));
    let keys = Provider::start(&[&rsa, &curve])
        .keys(&ManualClock::default())
        .await;
    assert!(accepts(&keys, &rsa.token()).await && accepts(&keys, &curve.token()).await);
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_found_without_a_deployment() {
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
async fn a_key_that_the_provider_has_withdrawn_is_forgotten() {
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
async fn a_flood_of_unknown_keys_asks_the_provider_twice_a_minute() {
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
    // Once at the start, and once in each minute but the first; also where the set is old.
    assert_eq!(provider.asked(), 20);
    assert!(accepts(&keys, &known.token()).await);
}

#[tokio::test]
async fn while_the_provider_is_down_the_keys_at_hand_decide() {
    let (known, clock) = (Signer::es256("1"), ManualClock::default());
    let provider = Provider::start(&[&known]);
    let keys = provider.keys(&clock).await;
    provider.go_down();
    clock.advance(15 * 60);
    for _ in 0..5 {
        assert!(accepts(&keys, &known.token()).await);
    }
    assert_eq!(provider.asked(), 2);
    // Old keys are asked for again as soon as may be, and not after another quarter of an hour.
    provider.publish(&[]);
    clock.advance(30);
    assert!(!accepts(&keys, &known.token()).await);
}

#[tokio::test]
async fn a_new_secret_is_found_without_a_deployment() {
    let (secret, clock) = (Arc::new(Mutex::new("o".repeat(32))), ManualClock::default());
    let (asked, value) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&secret));
    let counted = Arc::clone(&asked);
    let source = token_secret(move || {
        counted.fetch_add(1, Ordering::SeqCst);
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
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    clock.advance(30);
    assert!(accepts(&keys, &new).await && !accepts(&keys, &old).await);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_secret_that_is_too_short_to_sign_with_is_refused() {
    let (secret, clock) = (Arc::new(Mutex::new("s".repeat(31))), ManualClock::default());
    let value = Arc::clone(&secret);
    let source = token_secret(move || value.lock().unwrap().clone());
    assert!(matches!(
        Keys::load(source.clone(), clock.clock()).await,
        Err(KeyError::WeakSecret)
    ));
    *secret.lock().unwrap() = "s".repeat(32);
    let keys = Keys::load(source, clock.clock()).await.unwrap();
    // One that becomes so later is not taken over.
    secret.lock().unwrap().clear();
    clock.advance(15 * 60);
    assert!(accepts(&keys, &hs256("s".repeat(32).as_bytes(), None)).await);
    assert!(!accepts(&keys, &hs256(b"", None)).await);
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
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
async fn a_secret_in_a_public_set_signs_nothing() {
    let mut signer = Signer::new("s", EncodingKey::from_secret(&[b's'; 32]), Algorithm::HS256);
    let clock = ManualClock::default();
    let keys = Provider::start(&[&signer]).keys(&clock).await;
    assert!(!accepts(&keys, &signer.token()).await);
    signer.jwk.common.key_id = None;
    assert!(!accepts(&keys, &signer.token()).await);
}

#[tokio::test]
async fn a_token_is_checked_with_the_algorithm_of_its_key_alone() {
    let (rsa, curve) = (Signer::rs256("r"), Signer::es256("e"));
    let provider = Provider::start(&[&rsa, &curve]);
    let (clock, secret) = (ManualClock::default(), token_secret(|| "s".repeat(32)));
    let (public, shared) = (
        provider.keys(&clock).await,
        Keys::load(secret, clock.clock()).await.unwrap(),
    );
    // Signed by one key, in the name of the other.
    for (signer, kid) in [(&rsa, "e"), (&curve, "r")] {
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(signer.algorithm)
        };
        assert!(!accepts(&public, &encode(&header, &claims(), &signer.key).unwrap()).await);
    }
    // RSA, but with another hash; no signature at all; a public key where a secret is asked for.
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
async fn a_token_without_a_key_id_is_taken_where_there_is_one_key_only() {
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
