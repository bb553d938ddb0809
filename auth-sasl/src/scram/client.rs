use alloc::{format, string::String};
use core::{fmt, mem};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Hash, bindings,
    hash::{Digest, digest, hi, hmac},
    keys::{MAX_SALT, client_key, server_key},
    message::{escape, extensions, is_nonce, nonce, number, value},
};
use crate::{
    Channel, ClientError, ClientLogin, ClientMechanism, ClientPolicy, ClientStep, Secret, prepare,
    prepare::{Purpose, saslprep},
};

/// The client's side of a SCRAM mechanism.
///
/// It shows its last step ([`ClientStep::Last`]) only after the server proved that it has the user's
/// keys: a success before that is none.
pub struct Client {
    hash: Hash,
    plus: bool,
    /// The GS2 header and the channel binding behind it.
    header: String,
    binding: Secret,
    bare: String,
    nonce: String,
    password: Secret,
    iterations: (u32, u32),
    state: State,
}

enum State {
    First,
    Challenge,
    /// The signature the server owes.
    Proof(Digest),
    Over,
}

impl Client {
    /// A login with a password. `plus_listed`: whether the server lists any SCRAM mechanism that
    /// binds to the channel. Of the channel it takes random octets and bindings.
    ///
    /// # Errors
    /// [`ClientError::Unusable`] without a password, random octets or, for -PLUS, a channel binding;
    /// when the server lists what would bind and this would not; when name or password cannot be
    /// prepared.
    pub fn new(
        hash: Hash,
        plus: bool,
        login: &ClientLogin,
        channel: &Channel<'_>,
        plus_listed: bool,
        policy: &ClientPolicy,
    ) -> Result<Self, ClientError> {
        let binding = bindings(channel).next();
        let (flag, binding) = match (plus, binding) {
            (true, Some((name, data))) => (format!("p={name}"), data),
            (true, None) => return Err(ClientError::Unusable),
            // RFC 5802 section 6: it binds where it can; where the server seems not to be able to,
            // the server hears of it and knows whether that is so.
            (false, Some(_)) if !plus_listed => ("y".into(), &[][..]),
            (false, _) => ("n".into(), &[][..]),
        };
        let user = saslprep(&login.authcid, Purpose::Query).map_err(|_| ClientError::Unusable)?;
        let password = login.password.as_ref().ok_or(ClientError::Unusable)?;
        let password =
            prepare::password(password.expose(), Purpose::Stored).map_err(|_| ClientError::Unusable)?;
        let nonce = channel.random.and_then(nonce).ok_or(ClientError::Unusable)?;
        let authzid = match &login.authzid {
            Some(authzid) => format!("a={}", escape(authzid)),
            None => String::new(),
        };
        Ok(Self {
            hash,
            plus,
            header: format!("{flag},{authzid},"),
            binding: Secret::new(binding),
            bare: format!("n={},r={nonce}", escape(&user)),
            nonce,
            password,
            iterations: (policy.min_iterations, policy.max_iterations),
            state: State::First,
        })
    }

    /// With this nonce, not a random one: for test vectors.
    #[cfg(test)]
    pub(super) fn with_nonce(mut self, nonce: &str) -> Self {
        self.bare = self.bare.replace(&self.nonce, nonce);
        self.nonce = nonce.into();
        self
    }

    /// The last message of the client, and the signature the server owes.
    fn prove(&self, challenge: &[u8]) -> Result<(String, Digest), ClientError> {
        let challenge = core::str::from_utf8(challenge).map_err(|_| ClientError::Malformed)?;
        let mut fields = challenge.split(',');
        let nonce = value(fields.next(), 'r').filter(|n| is_nonce(n)).ok_or(ClientError::Malformed)?;
        // The server's part is there (RFC 5802 section 5.1: "and append").
        if nonce.strip_prefix(&*self.nonce).is_none_or(str::is_empty) {
            return Err(ClientError::Malformed);
        }
        let salt = value(fields.next(), 's').ok_or(ClientError::Malformed)?;
        let salt = STANDARD.decode(salt).map_err(|_| ClientError::Malformed)?;
        let iterations = value(fields.next(), 'i')
            .and_then(|digits| number(digits.as_bytes()))
            .ok_or(ClientError::Malformed)?;
        if salt.is_empty() || salt.len() > MAX_SALT || !extensions(fields) {
            return Err(ClientError::Malformed);
        }
        // Too few: a false server wants a hash it can guess from. Too many: it wants our time.
        let (least, most) = self.iterations;
        if !(least..=most).contains(&iterations) {
            return Err(ClientError::Iterations(iterations));
        }
        let input = [self.header.as_bytes(), self.binding.expose()].concat();
        let unproved = format!("c={},r={nonce}", STANDARD.encode(input));
        let auth: [&[u8]; 5] = [self.bare.as_bytes(), b",", challenge.as_bytes(), b",", unproved.as_bytes()];
        // RFC 5802 section 3.
        let salted = hi(self.hash, self.password.expose(), &salt, iterations);
        let client_key = client_key(self.hash, &salted);
        let signature = hmac(self.hash, digest(self.hash, client_key.as_ref()).as_ref(), &auth);
        let proof = client_key.xor(&signature);
        let owed = hmac(self.hash, server_key(self.hash, &salted).as_ref(), &auth);
        Ok((format!("{unproved},p={}", STANDARD.encode(proof.as_ref())), owed))
    }

    fn verify(&self, owed: &Digest, message: &[u8]) -> Result<(), ClientError> {
        let message = core::str::from_utf8(message).map_err(|_| ClientError::Malformed)?;
        let mut fields = message.split(',');
        let first = fields.next();
        if value(first, 'e').is_some() {
            return Err(ClientError::Refused);
        }
        let signature = value(first, 'v').ok_or(ClientError::Malformed)?;
        let signature = STANDARD.decode(signature).map_err(|_| ClientError::Malformed)?;
        let signature = Digest::from_octets(self.hash, &signature).ok_or(ClientError::Malformed)?;
        if !extensions(fields) {
            return Err(ClientError::Malformed);
        }
        if bool::from(signature.same(owed)) { Ok(()) } else { Err(ClientError::FalseServer) }
    }
}

impl ClientMechanism for Client {
    fn name(&self) -> &'static str {
        if self.plus { self.hash.mechanism_plus() } else { self.hash.mechanism() }
    }

    fn client_first(&self) -> bool {
        true
    }

    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        match mem::replace(&mut self.state, State::Over) {
            State::First if challenge.is_empty() => {
                self.state = State::Challenge;
                Ok(ClientStep::Respond(Secret::from(format!("{}{}", self.header, self.bare).into_bytes())))
            }
            State::Challenge => {
                let (message, owed) = self.prove(challenge)?;
                self.state = State::Proof(owed);
                Ok(ClientStep::Respond(Secret::from(message.into_bytes())))
            }
            State::Proof(owed) => {
                self.verify(&owed, challenge)?;
                Ok(ClientStep::Last(Secret::default()))
            }
            _ => Err(ClientError::Unexpected),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
