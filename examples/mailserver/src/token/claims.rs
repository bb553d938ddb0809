//! What a token's claims grant.

use serde_json::{Map, Value};

use super::Refused;
use crate::config::Tokens;

pub(super) type Claims = Map<String, Value>;

/// What is read from the claims of a token that is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub(super) mailbox: String,
    pub(super) issued_at: Option<u64>,
    pub(super) scopes: Vec<String>,
}

fn invalid<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Invalid(why.into()))
}

/// Reads what is granted.
pub(super) fn grant(claims: &Claims, wanted: &Tokens) -> Result<Grant, Refused> {
    let name = &wanted.mailbox_claim;
    let Some(mailbox) = claims.get(name).and_then(Value::as_str).filter(|m| !m.is_empty()) else {
        return invalid(format!("it has no claim {name:?} that names a mailbox"));
    };
    Ok(Grant { mailbox: mailbox.to_owned(), issued_at: seconds(claims, "iat"), scopes: scopes(claims) })
}

/// `scope` (RFC 9068 section 2.2.3, RFC 7662 section 2.2: words in one text) and Microsoft's `scp`; some issuers
/// write arrays.
fn scopes(claims: &Claims) -> Vec<String> {
    ["scope", "scp"]
        .into_iter()
        .filter_map(|name| claims.get(name))
        .flat_map(|value| match value {
            Value::String(words) => words.split_ascii_whitespace().map(str::to_owned).collect(),
            Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        })
        .collect()
}

/// A NumericDate (RFC 7519 section 2), which may have a fraction.
fn seconds(claims: &Claims, name: &str) -> Option<u64> {
    let value = claims.get(name)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that does not fit becomes the nearest that does"
    )]
    value.as_u64().or_else(|| value.as_f64().map(|seconds| seconds as u64))
}

/// Checks the answer of an introspection endpoint (RFC 7662 section 2.2): only `active` is always there, and what
/// is there must fit. A signed token is checked by the library.
pub(super) fn check(claims: &Claims, wanted: &Tokens, now: u64) -> Result<(), Refused> {
    if claims.get("active") != Some(&Value::Bool(true)) {
        return invalid("its issuer says it is not active");
    }
    let leeway = wanted.leeway.as_secs();
    if seconds(claims, "exp").is_some_and(|exp| exp.saturating_add(leeway) <= now) {
        return invalid("ExpiredSignature");
    }
    if seconds(claims, "nbf").is_some_and(|nbf| nbf > now.saturating_add(leeway)) {
        return invalid("ImmatureSignature");
    }
    if claims.get("iss").is_some_and(|iss| !any(iss, &wanted.issuers)) {
        return invalid("InvalidIssuer");
    }
    if claims.get("aud").is_some_and(|aud| !any(aud, &wanted.audiences)) {
        return invalid("InvalidAudience");
    }
    Ok(())
}

/// A text, or one of an array of texts.
fn any(value: &Value, of: &[String]) -> bool {
    let one = |value: &Value| value.as_str().is_some_and(|text| of.iter().any(|o| o == text));
    value.as_array().map_or_else(|| one(value), |values| values.iter().any(one))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Source;
    use std::time::Duration;

    pub(crate) fn wanted() -> Tokens {
        Tokens {
            issuers: vec!["https://issuer.test".to_owned()],
            audiences: vec!["mail".to_owned(), "mail2".to_owned()],
            algorithms: vec!["ES256".to_owned()],
            mailbox_claim: "email".to_owned(),
            leeway: Duration::from_secs(60),
            scopes: crate::config::Scopes::default(),
            openid_configuration: String::new(),
            signing_key: None,
            source: Source::Jwks("jwks.json".into()),
        }
    }

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_an_endpoint_says_must_fit() {
        for (text, fits) in [
            (r#"{"active":true}"#, true),
            (r#"{"active":false}"#, false),
            (r#"{"active":"true"}"#, false),
            (r"{}", false),
            (r#"{"active":true,"exp":941}"#, true),
            (r#"{"active":true,"exp":940}"#, false),
            (r#"{"active":true,"nbf":1060}"#, true),
            (r#"{"active":true,"nbf":1061.5}"#, false),
            (r#"{"active":true,"iss":"https://issuer.test","aud":"mail"}"#, true),
            (r#"{"active":true,"iss":"https://other.test"}"#, false),
            (r#"{"active":true,"aud":["x","mail2"]}"#, true),
            (r#"{"active":true,"aud":["x"]}"#, false),
        ] {
            assert_eq!(check(&claims(text), &wanted(), 1000).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn scopes_come_in_four_forms() {
        for (text, scopes) in [
            (r#"{"email":"a@b","scope":"a b"}"#, &["a", "b"][..]),
            (r#"{"email":"a@b","scp":"a b"}"#, &["a", "b"]),
            (r#"{"email":"a@b","scp":["a","b"],"iat":7}"#, &["a", "b"]),
            (r#"{"email":"a@b","scope":["a"],"scp":"b"}"#, &["a", "b"]),
            (r#"{"email":"a@b"}"#, &[]),
        ] {
            assert_eq!(grant(&claims(text), &wanted()).unwrap().scopes, scopes);
        }
        for text in [r"{}", r#"{"email":""}"#, r#"{"email":5}"#] {
            assert!(grant(&claims(text), &wanted()).is_err());
        }
    }
}
