//! A user, a host that knows him, and an exchange between the two sides in memory.

use std::sync::LazyLock;

use auth_sasl::{
    Answer, Authorization, BearerError, Channel, ClientError, ClientLogin, ClientMethod, ClientPolicy,
    Credential, Failure, Identity, Mechanism, Offer, Request, Secret, Step, choose,
    scram::{Decoy, Hash, StoredKeys},
};

pub(crate) const ALL: &[Mechanism] = Mechanism::ALL;
pub(crate) const SERVES: &[Credential] = &[
    Credential::Password,
    Credential::Bearer,
    Credential::ScramKeys(Hash::Sha1),
    Credential::ScramKeys(Hash::Sha256),
    Credential::ScramKeys(Hash::Sha512),
    Credential::CramMd5,
    Credential::Certificate,
    Credential::Anonymous,
];
pub(crate) const PASSWORD: &[u8] = b"tanstaaf";
pub(crate) static KEYS: LazyLock<[StoredKeys; 3]> = LazyLock::new(|| {
    [Hash::Sha1, Hash::Sha256, Hash::Sha512]
        .map(|hash| StoredKeys::derive(hash, PASSWORD, b"sixteen octets..", 4096).unwrap())
});

/// Tim may act as `shared`; `careless` is what a host answers that forgets whom it was asked about.
pub(crate) fn host(request: Request) -> Answer {
    let identity = |who: &str, authzid: Option<String>| match authzid.as_deref() {
        Some("careless") => Answer::Accepted(Identity::new(who, None)),
        None | Some("shared") => Answer::Accepted(Identity::new(who, authzid)),
        Some(_) => Answer::Refused(Failure::NotAuthorized),
    };
    match request {
        Request::Password(l) if l.authcid == "tim" && l.password.expose() == PASSWORD => {
            identity("tim", l.authzid)
        }
        Request::Bearer(l) if l.user.as_deref() == Some("tim") && l.token.expose() == b"tok4711" => {
            match (l.host.as_deref(), l.port) {
                (None, None) | (Some("mail.example"), Some(993)) => identity("tim", None),
                _ => Answer::Refused(Failure::Credentials),
            }
        }
        Request::Bearer(_) => Answer::BearerRefused(
            Failure::Credentials,
            BearerError { scope: "mail".into(), ..BearerError::default() },
        ),
        Request::ScramKeys(r) => {
            let keys = KEYS.iter().find(|k| k.hash() == r.hash).filter(|_| r.authcid == "tim");
            Answer::ScramKeys(keys.cloned())
        }
        Request::Authorize(Authorization { authcid, authzid, .. }) => identity(&authcid, authzid),
        Request::CramMd5(l) if l.verify(PASSWORD) && l.authcid == "tim" => identity("tim", None),
        Request::Certificate(l) if *l.certificate == *b"tim's" => identity("tim", l.authzid),
        Request::Anonymous(_) => Answer::Accepted(Identity::new("anonymous", None)),
        _ => Answer::Refused(Failure::Credentials),
    }
}

pub(crate) fn server_channel() -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(b"the server's random octets");
    channel.decoy = Some(Decoy { key: b"the server's own key", iterations: 4096 });
    channel.tls_exporter = Some(b"exported keying material");
    channel.tls_server_end_point = Some(b"hash of the certificate");
    channel.client_certificate = Some(b"tim's");
    channel.host = Some("mail.example");
    channel
}

pub(crate) fn client_channel() -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(b"the client's random octets");
    channel.tls_exporter = Some(b"exported keying material");
    channel
}

/// A login that any mechanism can use.
pub(crate) fn tim() -> ClientLogin {
    let mut login = ClientLogin::password("tim", Secret::new(PASSWORD)).at("mail.example", 993);
    login.token = Some(Secret::new(b"tok4711"));
    login.external = true;
    login.anonymous = Some("sirhc".into());
    login
}

pub(crate) fn policy() -> ClientPolicy {
    let mut policy = ClientPolicy::encrypted(true);
    policy.cram_md5 = true;
    policy
}

#[derive(Debug, PartialEq)]
pub(crate) enum End {
    In(Identity),
    /// The server refused.
    Refused(Failure),
    /// The client gave up, or does not believe the success.
    Gave(ClientError),
}

pub(crate) struct Play<'a> {
    pub(crate) mechanism: &'a str,
    pub(crate) login: ClientLogin,
    pub(crate) client: Channel<'a>,
    pub(crate) server: Channel<'a>,
    pub(crate) policy: ClientPolicy,
    pub(crate) initial: bool,
}

impl Play<'_> {
    pub(crate) fn of(mechanism: &str) -> Play<'_> {
        Play {
            mechanism,
            login: tim(),
            client: client_channel(),
            server: server_channel(),
            policy: policy(),
            initial: true,
        }
    }

    pub(crate) fn end(&self) -> End {
        self.tampered(&mut |_, _| ())
    }

    /// `tamper` sees each message, with its number, on its way.
    pub(crate) fn tampered(&self, tamper: &mut dyn FnMut(usize, &mut Vec<u8>)) -> End {
        let offer = Offer::new(ALL).serves(SERVES).clear_passwords(true);
        // The client sees what binds in the list, and takes this one.
        let methods: Vec<_> =
            ClientMethod::BEST_FIRST.iter().filter(|m| m.name() == self.mechanism).copied().collect();
        let mut client =
            choose(&methods, offer.names(), &self.login, &self.client, &self.policy).expect("usable");
        let mut server = offer.begin(self.mechanism, &self.server).expect("offered");
        hides(&(&client, &server, &self.login));
        let mut sent = 0;
        let mut through = |message: &mut Vec<u8>| {
            tamper(sent, message);
            sent += 1;
        };
        let initial = if self.initial { client.initial().unwrap() } else { None };
        let mut step = match initial {
            Some(initial) => {
                let mut initial = initial.expose().to_vec();
                through(&mut initial);
                server.start(Some(&initial)).unwrap()
            }
            None => server.start(None).unwrap(),
        };
        loop {
            hides(&(&client, &server, &step));
            step = match step {
                Step::Challenge(mut challenge) => {
                    through(&mut challenge);
                    match client.step(&challenge) {
                        Ok(response) => {
                            hides(&response);
                            let mut response = response.expose().to_vec();
                            through(&mut response);
                            server.respond(&response).unwrap()
                        }
                        Err(error) => return End::Gave(error),
                    }
                }
                Step::Need(request) => server.answer(host(request)).unwrap(),
                Step::Done(identity) => {
                    return match client.success(None) {
                        Ok(()) => End::In(identity),
                        Err(error) => End::Gave(error),
                    };
                }
                Step::Failed(failure) => return End::Refused(failure),
            };
        }
    }
}

/// Neither as text nor as numbers is a secret in what Debug shows.
pub(crate) fn hides(shown: &dyn std::fmt::Debug) {
    let shown = format!("{shown:?} {shown:#?}");
    for secret in ["tanstaaf", "116, 97, 110, 115", "tok4711", "116, 111, 107, 52"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}
