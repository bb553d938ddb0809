//! What clients showed is not in the server's memory any more: every page it can write is read.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use support::{
    Server, base64,
    sasl::{Over, PROTOCOLS, Protocol, connect, good, leave, login, with},
};

const USER: &str = "carol@example.test";

/// How often each of the texts stands in memory the process can write.
fn found<'t>(pid: u32, texts: &[(&'t str, Vec<u8>)]) -> BTreeMap<&'t str, usize> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut counts = BTreeMap::new();
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        if !mode.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        let mut octets = Vec::new();
        if memory.seek(SeekFrom::Start(from)).is_err() {
            continue;
        }
        // What is not there is as good as zeros.
        let _ = (&mut memory).take(to - from).read_to_end(&mut octets);
        for (name, text) in texts {
            *counts.entry(*name).or_default() += memchr::memmem::find_iter(&octets, text).count();
        }
    }
    counts
}

/// The forms in which a secret may be left: as it is, and in base64 behind any other octets.
fn forms(name: &'static str, secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let coded = (0..3).map(|before| {
        let coded = base64(format!("{}{secret}", &"\0\0\0"[..before]));
        let whole = coded.trim_end_matches('=');
        whole.as_bytes()[4..whole.len() - 2].to_vec()
    });
    coded.chain([secret.as_bytes().to_vec()]).map(|form| (name, form)).collect()
}

/// Shows the secrets by every way that shows them.
fn show(server: &Server, over: Over, right: &str, wrong: &str) {
    for secret in [right, wrong] {
        for protocol in PROTOCOLS {
            for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256"] {
                let mut c = connect(server, protocol, over);
                let (_, last) = login(&mut c, protocol, mechanism, &with(mechanism, USER, secret));
                assert_eq!(good(&last), secret == right, "{protocol:?} {mechanism}: {last}");
                leave(&mut c, protocol, &last);
            }
        }
        let imap = |command: String| {
            let mut c = connect(server, Protocol::Imap4, over);
            assert_eq!(c.imap(&command).contains("t OK"), secret == right, "{command}");
        };
        imap(format!("LOGIN {USER} {secret}"));
        imap(format!("LOGIN {USER} \"{secret}\""));
        imap(format!("LOGIN {USER} {{{}+}}\r\n{secret}", secret.len()));
        let mut c = connect(server, Protocol::Pop3, over);
        c.pop3(&format!("USER {USER}"));
        assert_eq!(c.pop3(&format!("PASS {secret}")).starts_with("+OK"), secret == right);
        c.pop3("QUIT");
        while c.line().is_some() {}
    }
}

/// Shows what is too long to be looked at.
fn show_too_much(server: &Server, over: Over, secret: &str) {
    let long = base64(secret.repeat(1500));
    let mut c = connect(server, Protocol::Imap4, over);
    c.write(format!("t AUTHENTICATE PLAIN {long}\r\n").as_bytes());
    assert!(c.line().unwrap().contains("BAD"));
    let mut c = connect(server, Protocol::Imap4, over);
    c.write(format!("t LOGIN {USER} \"{}\"\r\n", secret.repeat(1000)).as_bytes());
    assert!(c.line().unwrap().contains("BAD"));
    let mut c = connect(server, Protocol::Pop3, over);
    c.write(format!("AUTH PLAIN {long}\r\n").as_bytes());
    assert!(c.line().unwrap().starts_with("-ERR"));
    let mut c = connect(server, Protocol::Submission, over);
    c.write(format!("AUTH PLAIN {long}\r\n").as_bytes());
    assert!(c.line().unwrap().starts_with('5'));
}

#[test]
fn no_password_is_left_in_the_servers_memory() {
    let dir = tempfile::tempdir().unwrap();
    let limits = "[limits]\nwrong_login_ms = 10\nfailed_logins_per_mailbox = 1000\nfailed_logins_per_address = 10000\n";
    let server = Server::start_quietly(dir.path(), "always", limits);
    let (right, wrong, long) = ("Quagmire-opulent-4711", "Vestibule-zephyr-0815", "Haberdasher-nimbus-1492");
    assert!(server.user(&["add", USER], &format!("{right}\n")).status.success());
    let mut texts = [forms("right", right), forms("wrong", wrong), forms("too long", long)].concat();
    // What nobody wipes is found: so that the others can fail.
    texts.push(("a name", USER.as_bytes().to_vec()));
    if File::open(format!("/proc/{}/mem", server.pid())).is_err() {
        println!("the memory of another process may not be read here: not tested");
        return;
    }
    for over in [Over::Plain, Over::Tls] {
        show(&server, over, right, wrong);
        show_too_much(&server, over, long);
        let counts = found(server.pid(), &texts);
        println!("{over:?}: {counts:?}");
        assert!(counts["a name"] > 0);
        for what in ["right", "wrong", "too long"] {
            // TLS keeps what it has decrypted in buffers of its own, which are not wiped before they are used again.
            assert!(counts[what] == 0 || over == Over::Tls, "{over:?}, {what}: {counts:?}");
        }
    }
}
