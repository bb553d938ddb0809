//! A server under attack, one who is served meanwhile, and what the server uses.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::{ALICE, BOB, Client, PATIENCE, Server};

/// What an attacker is answered within, who asks for much.
const LONG: Duration = Duration::from_secs(60);

/// How much of everything: more where the environment's ATTACK is a greater number.
pub(crate) fn times(n: usize) -> usize {
    n * std::env::var("ATTACK").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

pub(crate) const IMAP: &str = "imap";
pub(crate) const POP3: &str = "pop3";
pub(crate) const SUBMISSION: &str = "submission";

pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) dir: TempDir,
    bystander: Client,
    memory: u64,
    descriptors: usize,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self::with("always", "")
    }

    pub(crate) fn with(plaintext: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start_quietly(dir.path(), plaintext, more);
        let mut bystander = server.connect("imaps");
        bystander.line().unwrap();
        let entered = bystander.imap(&format!("LOGIN bob@example.test {BOB}"));
        assert!(entered.contains("t OK"), "{entered}");
        bystander.imap("SELECT INBOX");
        let (memory, descriptors) = (server.memory(), server.descriptors());
        Self { server, dir, bystander, memory, descriptors }
    }

    /// Somebody else is served, and soon: who is there, and who comes now.
    #[track_caller]
    pub(crate) fn serves(&mut self) {
        let begun = Instant::now();
        let answer = self.bystander.imap("UID FETCH 1:* FLAGS");
        assert!(answer.contains("t OK"), "{answer}");
        let mut new = self.server.connect("pop3s");
        assert!(new.line().unwrap().starts_with("+OK"));
        assert!(new.pop3("CAPA").starts_with("+OK"));
        let mut new = self.server.connect_plain(SUBMISSION);
        assert!(new.line().unwrap().starts_with("220"));
        assert!(new.smtp("EHLO me").contains("250"));
        assert!(begun.elapsed() < PATIENCE, "others waited {:?}", begun.elapsed());
    }

    /// How many kilobytes more than at first the server uses.
    pub(crate) fn growth(&self) -> u64 {
        self.server.memory().saturating_sub(self.memory)
    }

    /// It is over: the server used at most so many megabytes more, its descriptors came back, it never panicked, and it stops well.
    #[track_caller]
    pub(crate) fn held(mut self, megabytes: u64) {
        self.serves();
        let end = Instant::now() + PATIENCE;
        // The connections of `serves` and those of the attack end in their own time.
        while self.server.descriptors() > self.descriptors + 8 {
            assert!(
                Instant::now() < end,
                "{} descriptors, {} before",
                self.server.descriptors(),
                self.descriptors
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let growth = self.growth();
        println!("memory grew by {growth} KiB; {} descriptors", self.server.descriptors());
        assert!(growth < megabytes * 1024, "memory grew by {growth} KiB");
        let (well, _, log) = self.server.stop();
        assert!(well && !log.contains("panicked"), "{log}");
    }

    /// Whether somebody who comes now is greeted, and not sent away.
    pub(crate) fn has_place(&self) -> bool {
        let mut raw = self.raw(POP3);
        raw.until_or_end(b"\r\n") && raw.said.starts_with(b"+OK")
    }

    pub(crate) fn raw(&self, service: &str) -> Raw {
        Raw::connect(&self.server, service)
    }

    pub(crate) fn alice(&self, service: &str) -> Raw {
        Raw::alice(&self.server, service)
    }
}

/// A client that minds nothing.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    /// All it heard.
    pub(crate) said: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(server: &Server, service: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port(service))).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, said: Vec::new() }
    }

    /// Alice is logged in; over IMAP she has INBOX open.
    pub(crate) fn alice(server: &Server, service: &str) -> Self {
        let mut raw = Self::connect(server, service);
        match service {
            IMAP => {
                raw.send(format!("l LOGIN alice@example.test {ALICE}\r\nm SELECT INBOX\r\n"));
                raw.until(b"\r\nm OK");
            }
            POP3 => {
                raw.send(format!("USER alice@example.test\r\nPASS {ALICE}\r\nNOOP\r\nXYZ\r\n"));
                raw.until(b"-ERR");
            }
            _ => {
                let secret = crate::support::base64(format!("\0alice@example.test\0{ALICE}"));
                raw.send(format!("EHLO me\r\nAUTH PLAIN {secret}\r\n"));
                raw.until(b"\r\n235 ");
            }
        }
        raw.line_end();
        raw
    }

    /// Whether all of it went out: the server may have closed.
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(octets.as_ref()).is_ok()
    }

    pub(crate) fn half_close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads once more; whether there may be more.
    fn read(&mut self) -> bool {
        let mut octets = [0; 16 * 1024];
        match self.stream.read(&mut octets) {
            Ok(n) => {
                self.said.extend_from_slice(&octets[..n]);
                n > 0
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the server says nothing more, after {}", self.tail())
            }
            Err(_) => false,
        }
    }

    fn tail(&self) -> String {
        self.said[self.said.len().saturating_sub(400)..].escape_ascii().to_string()
    }

    fn has(&self, words: &[u8]) -> bool {
        self.said.windows(words.len()).any(|w| w == words)
    }

    /// Reads until these words were said.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &[u8]) {
        assert!(
            self.until_or_end(words),
            "the connection ended before {:?}: {}",
            words.escape_ascii().to_string(),
            self.tail()
        );
    }

    /// Reads until these words were said, or the connection ended; whether they were said.
    pub(crate) fn until_or_end(&mut self, words: &[u8]) -> bool {
        while !self.has(words) {
            if !self.read() {
                return self.has(words);
            }
        }
        true
    }

    /// Reads to the end of a line that begins so, and of what came with it, or to the end of the connection; whether there was one.
    pub(crate) fn answered(&mut self, tag: &[u8]) -> bool {
        let is_there = |said: &[u8]| {
            said.ends_with(b"\r\n") && said.split(|c| *c == b'\n').any(|line| line.starts_with(tag))
        };
        while !is_there(&self.said) {
            if !self.read() {
                return false;
            }
        }
        true
    }

    /// Reads the rest of the line that was begun.
    fn line_end(&mut self) {
        while !self.said.ends_with(b"\n") && self.read() {}
        self.said.clear();
    }

    /// Reads to the end of the connection, which the server must bring about.
    pub(crate) fn end(self) -> String {
        String::from_utf8_lossy(&self.octets()).into_owned()
    }

    /// The same, as it came.
    pub(crate) fn octets(mut self) -> Vec<u8> {
        while self.read() {}
        self.said
    }
}
