//! Each program starts, tells where it listens, and serves a client.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that is wrong should stop")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program on a free port, says `lines` to it, and gives all it answered.
fn dialogue(binary: &str, lines: &[&str]) -> String {
    let mut program =
        Program(Command::new(binary).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(program.0.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().rsplit(['/', '@']).next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for line in lines {
        stream.write_all(line.as_bytes()).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    std::io::read_to_string(stream).unwrap()
}

#[test]
fn imap_on_smol_keeps_a_message() {
    let got = dialogue(
        env!("CARGO_BIN_EXE_imap-smol"),
        &[
            "a LOGIN me secret",
            "b APPEND INBOX {3+}",
            "abc",
            "c SELECT INBOX",
            "d FETCH 1 BODY[]",
            "e LOGOUT",
        ],
    );
    assert!(got.contains("* 1 EXISTS") && got.contains("BODY[] {3}\r\nabc") && got.contains("e OK"), "{got}");
}

#[test]
fn pop3_on_tokio_logs_in() {
    let got = dialogue(env!("CARGO_BIN_EXE_pop3-tokio"), &["USER me", "PASS secret", "STAT", "QUIT"]);
    assert!(got.contains("+OK 0 0"), "{got}");
}

#[test]
fn smtp_on_threads_takes_a_message() {
    let got = dialogue(
        env!("CARGO_BIN_EXE_smtp-threads"),
        &[
            "EHLO a.test",
            "MAIL FROM:<a@a.test>",
            "RCPT TO:<b@b.test>",
            "DATA",
            "Subject: x",
            "",
            "y",
            ".",
            "QUIT",
        ],
    );
    assert!(got.contains("354 ") && got.contains("printed") && got.contains("221 "), "{got}");
}

#[test]
fn submission_on_tokio_keeps_a_message() {
    let got = dialogue(
        env!("CARGO_BIN_EXE_submission-tokio"),
        &[
            "EHLO a.test",
            "AUTH PLAIN AG1lAHNlY3JldA==",
            "MAIL FROM:<a@a.test>",
            "RCPT TO:<b@b.test>",
            "DATA",
            "Subject: x",
            "",
            "y",
            ".",
            "QUIT",
        ],
    );
    assert!(got.contains("235 ") && got.contains("354 ") && got.contains("kept as"), "{got}");
}
