//! Logins of each kind, server side, as recorded from a client: the server's nonce is the same each time, so the
//! client's messages can be, too.

use auth_sasl::{
    Answer, Channel, ClientLogin, ClientMethod, ClientPolicy, Identity, Mechanism, Request, Secret,
    ServerExchange, Step, choose,
    scram::{Decoy, StoredKeys},
};

/// The mechanisms timed.
pub const MECHANISMS: &[Mechanism] = &[
    Mechanism::PLAIN,
    Mechanism::LOGIN,
    Mechanism::XOAUTH2,
    Mechanism::OAUTHBEARER,
    Mechanism::EXTERNAL,
    Mechanism::CRAM_MD5,
    Mechanism::SCRAM_SHA_1,
    Mechanism::SCRAM_SHA_256,
    Mechanism::SCRAM_SHA_512,
    Mechanism::SCRAM_SHA_1_PLUS,
    Mechanism::SCRAM_SHA_256_PLUS,
    Mechanism::SCRAM_SHA_512_PLUS,
    Mechanism::ANONYMOUS,
];

const USER: &str = "tim@example.test";
const PASSWORD: &[u8] = b"tanstaaftanstaaf";
const SALT: &[u8] = b"0123456789abcdef";
const ITERATIONS: u32 = 4096;

fn channel() -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(&[7; 24]);
    channel.tls_exporter = Some(&[9; 32]);
    channel.client_certificate = Some(b"a certificate");
    channel.decoy = Some(Decoy { key: b"a key of the server", iterations: ITERATIONS });
    channel.plus_listed = Some(true);
    channel
}

/// A login that was recorded: what the client says, and the keys its server has.
#[derive(Debug)]
pub struct Recorded {
    /// How.
    pub mechanism: Mechanism,
    messages: Vec<Vec<u8>>,
    keys: Option<StoredKeys>,
}

impl Recorded {
    /// Records a login by this mechanism; `None` if it does not succeed.
    #[must_use]
    pub fn new(mechanism: Mechanism) -> Option<Self> {
        let keys = match mechanism.credential() {
            auth_sasl::Credential::ScramKeys(hash) => {
                Some(StoredKeys::derive(hash, PASSWORD, SALT, ITERATIONS).ok()?)
            }
            _ => None,
        };
        let login = match mechanism.credential() {
            auth_sasl::Credential::Bearer => ClientLogin::token(USER, Secret::new(&[b't'; 1200])),
            auth_sasl::Credential::Certificate => ClientLogin::external(),
            auth_sasl::Credential::Anonymous => ClientLogin::anonymous("sirhc"),
            _ => ClientLogin::password(USER, Secret::new(PASSWORD)),
        };
        let mut policy = ClientPolicy::encrypted(true);
        policy.cram_md5 = true;
        let methods: Vec<_> =
            ClientMethod::BEST_FIRST.iter().filter(|m| m.name() == mechanism.name()).copied().collect();
        let names = [mechanism.name(), "SCRAM-SHA-512-PLUS"];
        let mut client = choose(&methods, names, &login, &channel(), &policy).ok()?;
        let mut recorded = Self { mechanism, messages: Vec::new(), keys };
        let mut server = mechanism.begin(&channel());
        let mut step = server.start(None).ok()?;
        loop {
            step = match recorded.settle(&mut server, step)? {
                Step::Challenge(challenge) => {
                    let response = client.step(&challenge).ok()?;
                    recorded.messages.push(response.expose().to_vec());
                    server.respond(response.expose()).ok()?
                }
                Step::Done(_) => return Some(recorded),
                _ => return None,
            };
        }
    }

    /// Plays the server's side; whether the login succeeds.
    #[must_use]
    pub fn play(&self) -> bool {
        self.played() == Some(true)
    }

    fn played(&self) -> Option<bool> {
        let mut server = self.mechanism.begin(&channel());
        let mut step = server.start(None).ok()?;
        for message in &self.messages {
            match self.settle(&mut server, step)? {
                Step::Challenge(_) => step = server.respond(message).ok()?,
                _ => return None,
            }
        }
        Some(matches!(self.settle(&mut server, step)?, Step::Done(_)))
    }

    /// Answers as a host that has looked everything up: what is timed is the mechanism.
    fn settle(&self, server: &mut ServerExchange, mut step: Step) -> Option<Step> {
        while let Step::Need(request) = step {
            let answer = match request {
                Request::ScramKeys(_) => Answer::ScramKeys(self.keys.clone()),
                Request::CramMd5(login) if !login.verify(PASSWORD) => return None,
                _ => Answer::Accepted(Identity::new(USER, None)),
            };
            step = server.answer(answer).ok()?;
        }
        Some(step)
    }
}

/// PLAIN as it comes in a command's initial response, up to the question whether the password is right.
#[must_use]
pub fn plain_decoded(message: &[u8]) -> bool {
    let mut server = Mechanism::PLAIN.begin(&Channel::default());
    matches!(server.start(Some(message)), Ok(Step::Need(Request::Password(_))))
}

/// A PLAIN message.
pub const PLAIN: &[u8] = b"\0tim@example.test\0tanstaaftanstaaf";
