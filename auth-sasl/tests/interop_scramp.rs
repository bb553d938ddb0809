//! Interoperability with the Python package scramp, both ways. Skipped where neither `python3` nor the
//! interpreter `SCRAMP_PYTHON` names has it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::field_reassign_with_default,
    reason = "a test may fail; a non-exhaustive value is filled in"
)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use auth_sasl::{
    Answer, Channel, ClientLogin, ClientMethod, ClientPolicy, Identity, Mechanism, Request, Secret, Step,
    choose,
    scram::{Decoy, Hash, StoredKeys},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// User, password and channel binding of an exchange; scramp knows no tls-exporter.
const CASES: &[(Mechanism, Hash, &str, &str, Option<&str>)] = &[
    (Mechanism::SCRAM_SHA_1, Hash::Sha1, "user", "pencil", None),
    (Mechanism::SCRAM_SHA_256, Hash::Sha256, "user", "pencil", None),
    (Mechanism::SCRAM_SHA_512, Hash::Sha512, "user", "pencil", None),
    (Mechanism::SCRAM_SHA_1_PLUS, Hash::Sha1, "user", "pencil", Some("tls-server-end-point")),
    (Mechanism::SCRAM_SHA_256_PLUS, Hash::Sha256, "user", "pencil", Some("tls-server-end-point")),
    (Mechanism::SCRAM_SHA_512_PLUS, Hash::Sha512, "user", "pencil", Some("tls-server-end-point")),
    // Names and passwords that are escaped and prepared.
    (Mechanism::SCRAM_SHA_256, Hash::Sha256, "a,b=c", "I\u{ad}X\u{2168}\u{a0}\u{aa}", None),
    (Mechanism::SCRAM_SHA_256, Hash::Sha256, "j\u{f6}rg", "pa\u{308}ss, w=ord", None),
];
const BINDING: &str = "octets of a binding";

struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn send(&mut self, message: &[u8]) {
        writeln!(self.input, "{}", STANDARD.encode(message)).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    fn receive(&mut self) -> Vec<u8> {
        let line = self.line();
        STANDARD.decode(&line).unwrap_or_else(|_| panic!("{line}"))
    }
}

fn python() -> Option<String> {
    let candidates = std::env::var("SCRAMP_PYTHON").into_iter().chain(["python3".into()]);
    let found = candidates.into_iter().find(|python| {
        Command::new(python)
            .args(["-c", "import scramp"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if found.is_none() {
        println!("no python with scramp: not tested");
    }
    found
}

fn peer(python: &str, role: &str, case: &(Mechanism, Hash, &str, &str, Option<&str>)) -> Peer {
    let (mechanism, _, user, password, binding) = case;
    let (kind, data) = binding.map_or(("-", "-"), |kind| (kind, BINDING));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scram_peer.py");
    let mut process = Command::new(python)
        .args([script, role, mechanism.name(), user, password, kind, data])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
    Peer { process, input, output }
}

fn channel(binding: Option<&str>) -> Channel<'static> {
    let mut channel = Channel::default();
    channel.random = Some(b"eighteen or more octets");
    channel.decoy = Some(Decoy { key: b"key", iterations: 4096 });
    channel.tls_server_end_point = binding.map(|_| BINDING.as_bytes());
    channel
}

#[test]
fn our_client_at_their_server() {
    let Some(python) = python() else { return };
    for case in CASES {
        let (mechanism, _, user, password, binding) = *case;
        let mut peer = peer(&python, "server", case);
        let login = ClientLogin::password(user, Secret::new(password.as_bytes()));
        let mut client = choose(
            ClientMethod::BEST_FIRST,
            [mechanism.name()],
            &login,
            &channel(binding),
            &ClientPolicy::default(),
        )
        .unwrap();
        peer.send(client.initial().unwrap().unwrap().expose());
        let last = client.step(&peer.receive()).unwrap();
        peer.send(last.expose());
        let _ = client.step(&peer.receive()).unwrap();
        assert_eq!(client.success(None), Ok(()));
        assert_eq!(peer.line(), "ok", "{mechanism:?} {user}");
        peer.process.wait().unwrap();
    }
}

#[test]
fn their_client_at_our_server() {
    let Some(python) = python() else { return };
    for case in CASES {
        let (mechanism, hash, user, password, binding) = *case;
        let mut peer = peer(&python, "client", case);
        let mut server = mechanism.begin(&channel(binding));
        let Step::Need(Request::ScramKeys(request)) = server.start(Some(&peer.receive())).unwrap() else {
            panic!()
        };
        assert_eq!(request.authcid, user);
        let keys = StoredKeys::derive(hash, password.as_bytes(), b"sixteen octets..", 4096).unwrap();
        let Step::Challenge(challenge) = server.answer(Answer::ScramKeys(Some(keys))).unwrap() else {
            panic!()
        };
        peer.send(&challenge);
        let step = server.respond(&peer.receive()).unwrap();
        let Step::Need(Request::Authorize(question)) = step else { panic!("{mechanism:?} {step:?}") };
        let identity = Identity::new(question.authcid, question.authzid);
        let Step::Challenge(proof) = server.answer(Answer::Accepted(identity)).unwrap() else { panic!() };
        peer.send(&proof);
        assert_eq!(peer.line(), "ok", "{mechanism:?} {user}");
        peer.process.wait().unwrap();
    }
}
