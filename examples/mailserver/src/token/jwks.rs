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
