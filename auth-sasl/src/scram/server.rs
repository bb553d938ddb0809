use alloc::{format, string::String, vec::Vec};
use core::{fmt, mem};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use subtle::Choice;

use super::{
    Hash, KeyRequest, MIN_RANDOM, StoredKeys, bindings,
    hash::{Digest, digest, hmac},
    keys::{MAX_ITERATIONS, MIN_ITERATIONS},
    message::{Flag, extensions, gs2, is_nonce, nonce, unescape, value},
};
use crate::{
    Answer, Authorization, Channel, Failure, Identity, MAX_FIELD, Request, Secret, Step,
    prepare::{Purpose, saslprep},
    secret::same,
    server::ServerMechanism,
};

/// The accepting side of a SCRAM mechanism.
///
/// It asks for the user's keys, and once the client proved to have the password, whether he may act
/// as the identity he asked for. The server's own proof is its last challenge.
pub struct Server {
    hash: Hash,
    plus: bool,
    /// The server lists a -PLUS mechanism: then `y` shows that somebody removed it from the list.
    plus_listed: bool,
    bindings: Vec<(&'static str, Secret)>,
    nonce: Option<String>,
    decoy: Option<(Secret, u32)>,
    state: State,
}

enum State {
    First,
    Keys(First),
    Final(Final),
    Authorize { proof: Vec<u8> },
    Acknowledge(Identity),
    Over,
}

/// What the client's first message said.
struct First {
    bare: String,
    /// Base64 of `cbind-input`, as its last message must have it.
    binding: String,
    authcid: String,
    authzid: Option<String>,
    nonce: String,
}

struct Final {
    first: First,
    keys: StoredKeys,
    known: Choice,
    /// The server's first message.
    challenge: String,
}

impl Server {
    /// An exchange on `channel`, which must have [`MIN_RANDOM`] random octets and a
    /// [`Decoy`](super::Decoy); without them it fails at once, temporarily.
    #[must_use]
    pub fn new(hash: Hash, plus: bool, channel: &Channel<'_>) -> Self {
        let bindings: Vec<_> = bindings(channel).map(|(name, data)| (name, Secret::new(data))).collect();
        Self {
            hash,
            plus,
            plus_listed: channel.plus_listed.unwrap_or(!bindings.is_empty()),
            bindings,
            nonce: channel.random.and_then(nonce),
            decoy: channel
                .decoy
                .filter(|d| !d.key.is_empty() && (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&d.iterations))
                .map(|d| (Secret::new(d.key), d.iterations)),
            state: State::First,
        }
    }

    /// With this server nonce, not a random one: for test vectors.
    #[cfg(test)]
    pub(super) fn with_nonce(mut self, nonce: &str) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    fn first(&self, message: &[u8]) -> Result<First, Failure> {
        let message = core::str::from_utf8(message).map_err(|_| Failure::Malformed)?;
        let header = gs2(message).ok_or(Failure::Malformed)?;
        let mut input = header.octets.as_bytes().to_vec();
        match (header.flag, self.plus) {
            (Flag::No, false) => {}
            (Flag::ServerLacks, false) if !self.plus_listed => {}
            // RFC 5802 section 6: a downgrade, or a type of binding that is not there.
            (Flag::ServerLacks, false) => return Err(Failure::ChannelBinding),
            (Flag::Binds(name), true) => {
                let (_, data) =
                    self.bindings.iter().find(|(n, _)| *n == name).ok_or(Failure::ChannelBinding)?;
                input.extend_from_slice(data.expose());
            }
            _ => return Err(Failure::Malformed),
        }
        let mut fields = header.rest.split(',');
        let user = value(fields.next(), 'n').and_then(unescape).ok_or(Failure::Malformed)?;
        let theirs = value(fields.next(), 'r').filter(|n| is_nonce(n)).ok_or(Failure::Malformed)?;
        if !extensions(fields) {
            return Err(Failure::Malformed);
        }
        if user.len() > MAX_FIELD || header.authzid.as_ref().is_some_and(|z| z.len() > MAX_FIELD) {
            return Err(Failure::TooLong);
        }
        let authcid = saslprep(&user, Purpose::Query).map_err(|_| Failure::Malformed)?;
        let ours = self.nonce.as_deref().ok_or(Failure::Unavailable)?;
        Ok(First {
            bare: header.rest.into(),
            binding: STANDARD.encode(&input),
            authcid: authcid.as_str().into(),
            authzid: header.authzid,
            nonce: format!("{theirs}{ours}"),
        })
    }

    /// The server's proof and the authorization to ask for, if the client's proof is right.
    fn last(&self, sent: Final, message: &[u8]) -> Result<(String, Option<String>, Vec<u8>), Failure> {
        let Final { first, keys, known, challenge } = sent;
        let message = core::str::from_utf8(message).map_err(|_| Failure::Malformed)?;
        let (unproved, proof) = message.rsplit_once(",p=").ok_or(Failure::Malformed)?;
        let mut fields = unproved.split(',');
        let binding = value(fields.next(), 'c').ok_or(Failure::Malformed)?;
        let nonce = value(fields.next(), 'r').ok_or(Failure::Malformed)?;
        let proof = STANDARD.decode(proof).map_err(|_| Failure::Malformed)?;
        let proof = Digest::from_octets(self.hash, &proof).ok_or(Failure::Malformed)?;
        if !extensions(fields) {
            return Err(Failure::Malformed);
        }
        if !bool::from(same(binding.as_bytes(), first.binding.as_bytes())) {
            return Err(if self.plus { Failure::ChannelBinding } else { Failure::Malformed });
        }
        if nonce != first.nonce {
            return Err(Failure::Malformed);
        }
        // RFC 5802 section 3.
        let auth: [&[u8]; 5] = [first.bare.as_bytes(), b",", challenge.as_bytes(), b",", unproved.as_bytes()];
        let signature = hmac(self.hash, keys.stored_key().as_ref(), &auth);
        let client_key = proof.xor(&signature);
        let right = digest(self.hash, client_key.as_ref()).same(keys.stored_key());
        let server = hmac(self.hash, keys.server_key().as_ref(), &auth);
        if !bool::from(right & known) {
            return Err(Failure::Credentials);
        }
        Ok((first.authcid, first.authzid, format!("v={}", STANDARD.encode(server.as_ref())).into_bytes()))
    }
}

impl ServerMechanism for Server {
    fn name(&self) -> &'static str {
        if self.plus { self.hash.mechanism_plus() } else { self.hash.mechanism() }
    }

    fn start(&mut self, initial: Option<&[u8]>) -> Step {
        if self.nonce.is_none() || self.decoy.is_none() {
            self.state = State::Over;
            return Step::Failed(Failure::Unavailable);
        }
        match initial {
            Some(message) => self.respond(message),
            None => Step::Challenge(Vec::new()),
        }
    }

    fn respond(&mut self, message: &[u8]) -> Step {
        match mem::replace(&mut self.state, State::Over) {
            State::First => match self.first(message) {
                Ok(first) => {
                    let request = KeyRequest { authcid: first.authcid.clone(), hash: self.hash };
                    self.state = State::Keys(first);
                    Step::Need(Request::ScramKeys(request))
                }
                Err(failure) => Step::Failed(failure),
            },
            State::Final(sent) => match self.last(sent, message) {
                Ok((authcid, authzid, proof)) => {
                    self.state = State::Authorize { proof };
                    Step::Need(Request::Authorize(Authorization::new(authcid, authzid)))
                }
                Err(failure) => Step::Failed(failure),
            },
            // The client has seen the proof; it has nothing to say to it.
            State::Acknowledge(identity) if message.is_empty() => Step::Done(identity),
            _ => Step::Failed(Failure::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Step {
        match (mem::replace(&mut self.state, State::Over), answer) {
            (State::Keys(first), Answer::ScramKeys(keys)) => {
                let Some((key, iterations)) = &self.decoy else { return Step::Failed(Failure::Unavailable) };
                // Made in any case: an unknown user takes as long as a known one.
                let decoy = StoredKeys::decoy(self.hash, key.expose(), &first.authcid, *iterations);
                let known = Choice::from(u8::from(keys.is_some()));
                let keys = keys.unwrap_or(decoy);
                if keys.hash() != self.hash {
                    return Step::Failed(Failure::Unsupported);
                }
                let challenge =
                    format!("r={},s={},i={}", first.nonce, STANDARD.encode(keys.salt()), keys.iterations());
                let octets = challenge.clone().into_bytes();
                self.state = State::Final(Final { first, keys, known, challenge });
                Step::Challenge(octets)
            }
            (State::Authorize { proof }, Answer::Accepted(identity)) => {
                self.state = State::Acknowledge(identity);
                Step::Challenge(proof)
            }
            (_, Answer::Refused(failure) | Answer::BearerRefused(failure, _)) => Step::Failed(failure),
            _ => Step::Failed(Failure::Unsupported),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const _: () = assert!(MIN_RANDOM * 4 / 3 == 24);
