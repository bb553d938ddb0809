//! `mailserver token`: a key pair and signed tokens, for trying things out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};

use super::{now, provider};
use crate::{
    address::Address,
    certificate,
    cli::{Issue, Token},
    config::{Config, Source, Tokens},
    fault::{Fault, Result},
    user::say,
};

pub(crate) fn run(command: &Token, config: &Config) -> Result<()> {
    provider::install();
    let Some(tokens) = &config.tokens else {
        return Err(Fault::new("the configuration has no [tokens]; see mailserver --help"));
    };
    let (Some(key), Source::Jwks(jwks)) = (&tokens.signing_key, &tokens.source) else {
        return Err(Fault::new(
            "[tokens] has no signing_key or no jwks: the file to sign with, and the one to verify by",
        ));
    };
    match command {
        Token::Keygen => keygen(key, jwks),
        Token::Issue(issue) => say(&format!("{}\n", sign(issue, tokens, key)?)),
    }
}

/// A new key pair: the private half to `key`, the public half to those in `jwks`, so that tokens signed with an
/// earlier key stay valid.
fn keygen(key: &Path, jwks: &Path) -> Result<()> {
    let pair = rcgen::KeyPair::generate().map_err(|e| Fault::new(format!("cannot make a key: {e}")))?;
    let public = open(&pair.serialize_der())?;
    let mut set: Value = match fs::read_to_string(jwks) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|e| Fault::new(format!("{}: no JSON Web Key Set: {e}", jwks.display())))?,
        Err(_) => json!({ "keys": [] }),
    };
    let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) else {
        return Err(Fault::new(format!("{}: no JSON Web Key Set", jwks.display())));
    };
    keys.push(jwk(&public)?);
    certificate::write(key, 0o600, &pair.serialize_pem())?;
    certificate::write(jwks, 0o644, &format!("{set:#}\n"))?;
    say(&format!("{} signs, {} verifies\n", key.display(), jwks.display()))
}

fn open(pkcs8: &[u8]) -> Result<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
        .map_err(|e| Fault::new(format!("the signing key is no P-256 key in PKCS #8: {e}")))
}

/// The public half as a JSON Web Key, with its thumbprint (RFC 7638) for an identifier.
fn jwk(pair: &EcdsaKeyPair) -> Result<Value> {
    let (x, y) = point(pair)?;
    Ok(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": id(pair)? }))
}

fn point(pair: &EcdsaKeyPair) -> Result<(String, String)> {
    // 4, x, y: the uncompressed form.
    match pair.public_key().as_ref().split_first() {
        Some((4, point)) if point.len() == 64 => {
            let (x, y) = point.split_at(32);
            Ok((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
        }
        _ => Err(Fault::new("the signing key has no public key")),
    }
}

fn id(pair: &EcdsaKeyPair) -> Result<String> {
    let (x, y) = point(pair)?;
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes())))
}

fn sign(issue: &Issue, tokens: &Tokens, key: &PathBuf) -> Result<String> {
    let address = Address::parse(&issue.address).map_err(Fault::new)?;
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_file(key)
        .map_err(|e| Fault::new(format!("{}: {e}; make one by `mailserver token keygen`", key.display())))?;
    let pair = open(pkcs8.secret_pkcs8_der())?;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(id(&pair)?);
    let first = |of: &[String]| of.first().cloned().unwrap_or_default();
    let scopes = if issue.scope.is_empty() {
        use mail_session::auth::Protocol;
        [Protocol::Imap4, Protocol::Pop3, Protocol::Submission].map(|p| first(tokens.scopes.of(p))).to_vec()
    } else {
        issue.scope.clone()
    };
    let at = now();
    let claims = json!({
        "iss": issue.issuer.clone().unwrap_or_else(|| first(&tokens.issuers)),
        "aud": issue.audience.clone().unwrap_or_else(|| first(&tokens.audiences)),
        "iat": at,
        "nbf": at,
        "exp": at.saturating_add(issue.valid_seconds),
        "sub": address.as_str(),
        tokens.mailbox_claim.as_str(): address.as_str(),
        "scope": scopes.join(" "),
    });
    encode(&header, &claims, &EncodingKey::from_ec_der(pkcs8.secret_pkcs8_der()))
        .map_err(|e| Fault::new(format!("cannot sign a token: {e}")))
}
