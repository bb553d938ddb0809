//! Tokens whose issuer is asked about them (RFC 7662).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use auth_sasl::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};
use zeroize::Zeroizing;

use super::{Refused, claims::Claims, now};
use crate::{
    config::Introspection,
    fault::{Fault, Result},
};

/// Questions under way at once.
const AT_ONCE: usize = 16;
/// Answers remembered, at most.
const MOST: usize = 10_000;
/// Octets of an answer, at most.
const ANSWER: u64 = 64 * 1024;

/// What was answered of a token, by its hash, and until when that is believed.
type Answers = HashMap<[u8; 32], (Instant, Arc<Claims>)>;

/// The endpoint, and what it has answered.
pub(super) struct Endpoint {
    agent: Agent,
    url: String,
    authorization: Secret,
    patience: Duration,
    believed_for: Duration,
    turns: Arc<Semaphore>,
    answers: Mutex<Answers>,
}

impl Endpoint {
    pub(super) fn new(config: &Introspection) -> Result<Self> {
        let roots = match &config.ca {
            None => RootCerts::WebPki,
            Some(file) => {
                let fault = |what: String| {
                    Fault::new(format!("{}: {what} (tokens.introspection.ca)", file.display()))
                };
                let certificates = CertificateDer::pem_file_iter(file)
                    .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
                    .map_err(|e| fault(e.to_string()))?;
                if certificates.is_empty() {
                    return Err(fault("no certificate in it".to_owned()));
                }
                RootCerts::from(certificates.iter().map(|c| Certificate::from_der(c).to_owned()))
            }
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .tls_config(tls)
            .https_only(true)
            .max_redirects(0)
            .proxy(None)
            .user_agent("mailserver")
            .build()
            .new_agent();
        // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
        let joined = Zeroizing::new(format!(
            "{}:{}",
            *encoded(config.client_id.as_bytes()),
            *encoded(config.client_secret.expose())
        ));
        let authorization = format!("Basic {}", STANDARD.encode(joined.as_bytes()));
        Ok(Self {
            agent,
            url: config.url.clone(),
            authorization: Secret::from(authorization.into_bytes()),
            patience: config.timeout,
            believed_for: config.cache,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            answers: Mutex::default(),
        })
    }

    /// What the issuer says of the token; now, or a short while ago.
    pub(super) async fn ask(&self, token: &[u8]) -> std::result::Result<Arc<Claims>, Refused> {
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
        if let Some((until, claims)) = self.lock().get(&key)
            && Instant::now() < *until
        {
            return Ok(Arc::clone(claims));
        }
        let unavailable = |why: &str| Refused::Unavailable(format!("introspection: {why}"));
        let Ok(Ok(turn)) = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await else {
            return Err(unavailable("too many questions at once"));
        };
        let form = Zeroizing::new(format!("token={}&token_type_hint=access_token", *encoded(token)));
        let (agent, url, authorization) = (self.agent.clone(), self.url.clone(), self.authorization.clone());
        let question = spawn_blocking(move || {
            let answer = post(&agent, &url, &authorization, &form);
            drop(turn); // with the question, also when nobody waits for the answer any more
            answer
        });
        let answer = question.await.map_err(|e| unavailable(&e.to_string()))?.map_err(|e| unavailable(&e))?;
        let answer = Arc::new(answer);
        self.remember(key, &answer);
        Ok(answer)
    }

    /// A yes is believed for a while, and not beyond its expiry; a no is asked for again, as many as there are.
    fn remember(&self, key: [u8; 32], answer: &Arc<Claims>) {
        if answer.get("active") != Some(&Value::Bool(true)) {
            return;
        }
        let left = answer.get("exp").and_then(Value::as_u64).map(|exp| exp.saturating_sub(now()));
        let for_ = left.map_or(self.believed_for, |left| self.believed_for.min(Duration::from_secs(left)));
        let at = Instant::now();
        let mut answers = self.lock();
        if answers.len() >= MOST {
            answers.retain(|_, (until, _)| at < *until);
        }
        if answers.len() < MOST && !for_.is_zero() {
            answers.insert(key, (at + for_, Arc::clone(answer)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

fn post(agent: &Agent, url: &str, authorization: &Secret, form: &str) -> std::result::Result<Claims, String> {
    let authorization = std::str::from_utf8(authorization.expose()).map_err(|e| e.to_string())?;
    let mut response = agent
        .post(url)
        .header("authorization", authorization)
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .send(form)
        .map_err(|e| e.to_string())?;
    if response.status() != 200 {
        return Err(format!("the endpoint answers {}", response.status()));
    }
    let text = response.body_mut().with_config().limit(ANSWER).read_to_vec().map_err(|e| e.to_string())?;
    serde_json::from_slice(&text).map_err(|_| "the endpoint's answer is no JSON object".to_owned())
}

/// `application/x-www-form-urlencoded`.
fn encoded(octets: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(octets.len() * 3));
    for octet in octets {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                out.push(char::from(*octet))
            }
            _ => {
                const HEX: [char; 16] =
                    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
                out.push('%');
                for digit in [octet >> 4, octet & 15] {
                    out.push(HEX.get(usize::from(digit)).copied().unwrap_or('0'));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_fields_are_encoded() {
        assert_eq!(encoded(b"aZ09-._*").as_str(), "aZ09-._*");
        assert_eq!(encoded(b"a+b c&d=%~\xff").as_str(), "a%2Bb%20c%26d%3D%25%7E%FF");
    }
}
