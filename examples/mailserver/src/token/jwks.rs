//! Signed tokens (RFC 7519), verified by the keys of a JSON Web Key Set (RFC 7517).

use std::{fs, path::Path};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse},
};

use super::{Refused, algorithm, claims, claims::Claims, claims::Grant};
use crate::{
    config::Tokens,
    fault::{Fault, Result},
};

/// A larger file is no key set.
const MOST: u64 = 1 << 20;
/// Keys tried for a token that names none, at most.
const TRIED: usize = 16;

/// The keys of the file.
#[derive(Debug)]
pub(crate) struct Jwks {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The one algorithm it is for, where the file says so.
    algorithm: Option<String>,
    key: DecodingKey,
}

impl Jwks {
    /// Reads the file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let fault = |what: String| Fault::new(format!("{}: {what} (tokens.jwks)", file.display()));
        let size = fs::metadata(file).map_err(|e| fault(e.to_string()))?.len();
        if size > MOST {
            return Err(fault("it is longer than 1 MiB".to_owned()));
        }
        let text = fs::read_to_string(file).map_err(|e| fault(e.to_string()))?;
        // Names its line.
        let set: JwkSet =
            serde_json::from_str(&text).map_err(|e| fault(format!("no JSON Web Key Set: {e}")))?;
        let keys: Vec<Key> = set.keys.iter().filter_map(key).collect();
        if keys.is_empty() {
            return Err(fault("no key for signatures that can be used".to_owned()));
        }
        Ok(Self { keys })
    }

    /// Verifies signature, algorithm, issuer, audience and times, and reads what is granted.
    pub(super) fn verify(&self, token: &[u8], wanted: &Tokens) -> std::result::Result<Grant, Refused> {
        let invalid = |e: jsonwebtoken::errors::Error| Refused::Invalid(format!("{:?}", e.kind()));
        // `none`, and what else is no algorithm, is refused here.
        let header = decode_header(token).map_err(|_| Refused::Invalid("no signed token".to_owned()))?;
        if !wanted.algorithms.iter().any(|name| algorithm(name) == Some(header.alg)) {
            return Err(Refused::Invalid(format!("algorithm {:?} is not allowed", header.alg)));
        }
        // RFC 7515 section 4.1.11: what must be understood and is not makes the token invalid, whoever signed it.
        if header.crit.is_some() {
            return Err(Refused::Invalid("its header has a critical extension".to_owned()));
        }
        let validation = validation(header.alg, wanted);
        let named = |key: &&Key| header.kid.is_none() || key.id == header.kid;
        let fits = |key: &&Key| {
            key.key.family() == header.alg.family()
                && key.algorithm.as_ref().is_none_or(|name| algorithm(name) == Some(header.alg))
        };
        let mut refused = Refused::Invalid("no key of ours has made its signature".to_owned());
        for key in self.keys.iter().filter(named).filter(fits).take(TRIED) {
            match decode::<Claims>(token, &key.key, &validation) {
                Ok(token) => return claims::grant(&token.claims, wanted),
                Err(e) if matches!(e.kind(), jsonwebtoken::errors::ErrorKind::InvalidSignature) => {}
                // The signature is right, and nothing else will make the rest so.
                Err(e) => {
                    refused = invalid(e);
                    break;
                }
            }
        }
        Err(refused)
    }
}

fn validation(algorithm: Algorithm, wanted: &Tokens) -> Validation {
    let mut v = Validation::new(algorithm);
    v.leeway = wanted.leeway.as_secs();
    v.validate_nbf = true;
    v.set_issuer(&wanted.issuers);
    v.set_audience(&wanted.audiences);
    v.set_required_spec_claims(&["exp", "iss", "aud"]);
    v
}

/// A public key for signatures; others are passed over. A symmetric one has no business in a file of public keys.
fn key(jwk: &Jwk) -> Option<Key> {
    let asymmetric = matches!(
        jwk.algorithm,
        AlgorithmParameters::RSA(_)
            | AlgorithmParameters::EllipticCurve(_)
            | AlgorithmParameters::OctetKeyPair(_)
    );
    let signs = !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
    if !asymmetric || !signs {
        return None;
    }
    Some(Key {
        id: jwk.common.key_id.clone(),
        algorithm: jwk.common.key_algorithm.map(|a| a.to_string()),
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::{
        hmac,
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::token::{claims::tests::wanted, now, provider};

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            provider::install();
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
            Self(pair.unwrap())
        }

        fn public(&self) -> &[u8] {
            self.0.public_key().as_ref()
        }

        fn jwk(&self, id: &str) -> Value {
            let [x, y] = [&self.public()[1..33], &self.public()[33..]].map(|c| URL_SAFE_NO_PAD.encode(c));
            json!({"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "x": x, "y": y})
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let text = [header, claims].map(|v| URL_SAFE_NO_PAD.encode(v.to_string())).join(".");
            let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://issuer.test", "aud": "mail", "exp": now() + 600, "email": "alice@example.test"})
    }

    fn read(keys: &[Value]) -> Result<Jwks> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("jwks.json");
        fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
        Jwks::read(&file)
    }

    fn why(jwks: &Jwks, token: &str, wanted: &Tokens) -> Option<String> {
        match jwks.verify(token.as_bytes(), wanted) {
            Ok(_) => None,
            Err(Refused::Invalid(why)) => Some(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_keys_of_one_id_are_both_tried_and_no_third() {
        let (a, b, c) = (Signer::new(), Signer::new(), Signer::new());
        let jwks = read(&[a.jwk("x"), b.jwk("x")]).unwrap();
        let header = json!({"alg": "ES256", "kid": "x"});
        assert_eq!(why(&jwks, &a.sign(&header, &claims()), &wanted()), None);
        assert_eq!(why(&jwks, &b.sign(&header, &claims()), &wanted()), None);
        assert!(why(&jwks, &c.sign(&header, &claims()), &wanted()).is_some());
    }

    #[test]
    fn a_public_key_is_no_secret_for_hmac() {
        let signer = Signer::new();
        let jwks = read(&[signer.jwk("x")]).unwrap();
        // Even if somebody allowed it: no file and no list of algorithms makes a symmetric key of it.
        let mut careless = wanted();
        careless.algorithms.push("HS256".to_owned());
        for secret in [signer.public(), signer.jwk("x").to_string().as_bytes(), b""] {
            let text = [json!({"alg": "HS256", "kid": "x"}), claims()];
            let text = text.map(|v| URL_SAFE_NO_PAD.encode(v.to_string())).join(".");
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
            let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag));
            assert!(why(&jwks, &token, &careless).is_some_and(|w| w.contains("not allowed")));
        }
        let symmetric = json!({"kty": "oct", "kid": "x", "alg": "HS256", "k": "c2VjcmV0"});
        assert!(read(&[symmetric]).unwrap_err().to_string().contains("no key for signatures"));
    }

    #[test]
    fn what_the_header_brings_along_is_not_believed() {
        let (ours, theirs) = (Signer::new(), Signer::new());
        let jwks = read(&[ours.jwk("x")]).unwrap();
        for header in [
            json!({"alg": "ES256", "jwk": theirs.jwk("x")}),
            json!({"alg": "ES256", "kid": "x", "jku": "https://evil.test/jwks"}),
            json!({"alg": "ES256", "kid": "../../x"}),
            json!({"alg": "ES256", "kid": "x", "x5u": "https://evil.test/c"}),
        ] {
            assert!(why(&jwks, &theirs.sign(&header, &claims()), &wanted()).is_some(), "{header}");
        }
        // What is to be understood and is not: however well it is signed.
        for header in [
            json!({"alg": "ES256", "crit": ["b64"], "b64": false}),
            json!({"alg": "ES256", "crit": []}),
            json!({"alg": "none"}),
            json!({"alg": "nOnE"}),
            json!({"alg": ["ES256"]}),
            json!({}),
        ] {
            assert!(why(&jwks, &ours.sign(&header, &claims()), &wanted()).is_some(), "{header}");
        }
    }

    #[test]
    fn tokens_within_tokens_and_encrypted_ones_are_none() {
        let signer = Signer::new();
        let jwks = read(&[signer.jwk("x")]).unwrap();
        let header = json!({"alg": "ES256"});
        let inner = signer.sign(&header, &claims());
        // RFC 7519 section 5.2: the claims of a nested token are a token.
        let text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","cty":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(&inner)
        );
        let signature = signer.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        let nested = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        for token in [
            nested,
            format!("{inner}.a.b"),
            format!("{inner}="),
            format!("{inner}\n"),
            inner.replacen('.', "..", 1),
            inner.rsplit_once('.').unwrap().0.to_owned() + ".",
            ".".repeat(9000),
        ] {
            assert!(why(&jwks, &token, &wanted()).is_some(), "{token}");
        }
        assert_eq!(why(&jwks, &inner, &wanted()), None);
    }

    #[test]
    fn times_hold_within_the_leeway_and_no_longer() {
        let signer = Signer::new();
        let jwks = read(&[signer.jwk("x")]).unwrap();
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            why(&jwks, &signer.sign(&json!({"alg": "ES256"}), &claims), &wanted())
        };
        for (name, value, good) in [
            ("exp", json!(now() - 50), true),
            ("exp", json!(now() - 70), false),
            ("nbf", json!(now() + 50), true),
            ("nbf", json!(now() + 70), false),
            ("exp", json!(-1), false),
            ("exp", json!("4102444800"), false),
            ("exp", json!(null), false),
            ("aud", json!(["other", "mail2"]), true),
            ("aud", json!(["other"]), false),
            ("aud", json!([]), false),
            ("aud", json!("MAIL"), false),
            ("iss", json!("https://issuer.test/"), false),
            ("iss", json!(["https://issuer.test"]), true),
            ("iss", json!(["https://other.test"]), false),
        ] {
            assert_eq!(with(name, value.clone()).is_none(), good, "{name} {value}");
        }
    }

    #[test]
    fn a_file_that_is_no_key_set_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("jwks.json");
        for (text, part) in [
            (" ".repeat(usize::try_from(MOST).unwrap() + 1), "longer than 1 MiB"),
            (r#"{"keys":[]}"#.to_owned(), "no key for signatures"),
            ("[".repeat(100_000), "no JSON Web Key Set"),
            (r#"{"keys":5}"#.to_owned(), "no JSON Web Key Set"),
        ] {
            fs::write(&file, text).unwrap();
            assert!(Jwks::read(&file).unwrap_err().to_string().contains(part), "{part}");
        }
        assert!(Jwks::read(&dir.path().join("missing")).is_err());
    }
}
