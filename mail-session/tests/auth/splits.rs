//! Each message of each mechanism, cut at each octet on its way, by all three protocols: our client machine against our
//! session, and what both say is the same wherever the cut is.

use std::sync::Arc;

use auth_sasl::{ClientLogin, Secret};
use mail_session::auth::Mechanism;
use mail_wire::TlsInfo;

use crate::{
    clients::{self, Entered, Login, Protocol, Sasl, Way},
    host::Host,
    memory::{Cut, FakeTls, Passing, Said, play, session},
};

pub(crate) fn login(mechanism: &str, secret: &str) -> ClientLogin {
    let secret = Secret::new(secret.as_bytes());
    match mechanism {
        "EXTERNAL" => ClientLogin::external(),
        "ANONYMOUS" => ClientLogin::anonymous("somebody"),
        "OAUTHBEARER" | "XOAUTH2" => ClientLogin::token("tim", secret),
        _ => ClientLogin::password("tim", secret),
    }
}

/// A login that notes what passes, so that it can be played again without its thousands of hashes.
struct Recorder<'l> {
    inner: Login<'l>,
    tape: Tape,
}

#[derive(Default)]
struct Tape {
    begin: Option<(&'static str, Option<Secret>)>,
    steps: Vec<(Vec<u8>, Result<Secret, String>)>,
}

impl Sasl for Recorder<'_> {
    fn begin(
        &mut self,
        offered: &[String],
        tls: Option<&TlsInfo>,
    ) -> Result<(&'static str, Option<Secret>), String> {
        let begin = self.inner.begin(offered, tls)?;
        self.tape.begin = Some(begin.clone());
        Ok(begin)
    }
    fn step(&mut self, challenge: &[u8]) -> Result<Secret, String> {
        let response = self.inner.step(challenge);
        self.tape.steps.push((challenge.to_vec(), response.clone()));
        response
    }
    fn accepted(&mut self) -> Entered {
        self.inner.accepted()
    }
    fn refused(&mut self, words: &[u8]) -> Entered {
        self.inner.refused(words)
    }
}

/// What was recorded, step by step: a challenge that is not the recorded one ends it.
struct Player<'t> {
    tape: &'t Tape,
    at: usize,
}

impl Sasl for Player<'_> {
    fn begin(&mut self, _: &[String], _: Option<&TlsInfo>) -> Result<(&'static str, Option<Secret>), String> {
        Ok(self.tape.begin.clone().unwrap())
    }
    fn step(&mut self, challenge: &[u8]) -> Result<Secret, String> {
        let (expected, response) = &self.tape.steps[self.at];
        assert_eq!(challenge, expected);
        self.at += 1;
        response.clone()
    }
    fn accepted(&mut self) -> Entered {
        assert_eq!(self.at, self.tape.steps.len());
        Ok(())
    }
    fn refused(&mut self, _: &[u8]) -> Entered {
        assert_eq!(self.at, self.tape.steps.len());
        Err("refused".to_owned())
    }
}

fn run(protocol: Protocol, host: &Arc<Host>, sasl: &mut dyn Sasl, passing: Passing) -> (Entered, Said) {
    let server = |stream| session(protocol, Arc::clone(host), FakeTls::good(), stream);
    let client = async |stream| clients::enter(protocol, stream, Way::Tls, FakeTls::good(), &mut *sasl).await;
    play(server, client, passing)
}

fn find(octets: &[u8], what: &[u8]) -> usize {
    octets.windows(what.len()).position(|w| w == what).unwrap()
}

/// All cuts of one login, and octet by octet. How many logins that were.
fn every_cut(protocol: Protocol, mechanism: &str, secret: &str) -> usize {
    let host = Arc::new(Host::default());
    let login = login(mechanism, secret);
    let mut recorder = Recorder { inner: Login::new(mechanism, &login), tape: Tape::default() };
    let (ended, said) = run(protocol, &host, &mut recorder, Passing::AsTheyCome);
    let tape = recorder.tape;
    let right = secret == "tanstaaf";
    assert_eq!(ended.is_ok(), right, "{mechanism} {protocol:?}: {ended:?}");
    // From the command that begins the exchange to the end; before it, nothing is the mechanism's.
    let command = if protocol == Protocol::Imap { &b"AUTHENTICATE "[..] } else { b"AUTH " };
    let from = find(&said.by_client, command);
    let answers = said.by_server.len()
        - tape.steps.iter().map(|(challenge, _)| challenge.len().div_ceil(3) * 4 + 6).sum::<usize>()
        - 40;
    let up = (from..said.by_client.len()).map(|at| Cut { to_server: true, at });
    let down =
        (answers.min(said.by_server.len())..said.by_server.len()).map(|at| Cut { to_server: false, at });
    let ways: Vec<_> = up.chain(down).map(Passing::Held).chain([Passing::OneByOne]).collect();
    for passing in &ways {
        let (ended, again) = run(protocol, &host, &mut Player { tape: &tape, at: 0 }, *passing);
        assert_eq!(ended.is_ok(), right, "{mechanism} {protocol:?} {passing:?}: {ended:?}");
        assert!(again == said, "{mechanism} {protocol:?} {passing:?}: {}", again.by_server.escape_ascii());
    }
    ways.len()
}

fn of_all(protocol: Protocol) {
    let mut logins = 0;
    for mechanism in Mechanism::ALL.iter().map(Mechanism::name) {
        logins += every_cut(protocol, mechanism, "tanstaaf");
    }
    // The failure exchanges, where the client speaks once more.
    for mechanism in ["XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256", "PLAIN", "LOGIN"] {
        logins += every_cut(protocol, mechanism, "wrong");
    }
    println!("{protocol:?}: {logins} logins");
}

#[test]
fn imap_reads_every_mechanism_wherever_it_is_cut() {
    of_all(Protocol::Imap);
}

#[test]
fn pop3_reads_every_mechanism_wherever_it_is_cut() {
    of_all(Protocol::Pop3);
}

#[test]
fn submission_reads_every_mechanism_wherever_it_is_cut() {
    of_all(Protocol::Submission);
}
