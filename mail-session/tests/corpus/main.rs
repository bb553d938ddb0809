//! Real and broken messages through a whole session: appended, and fetched back in every way there is. What comes back is
//! the octets that went in, our own client reads every answer, and the parts of BODYSTRUCTURE are the sections that can be fetched.
//!
//! `messages/` holds some that are hard on purpose, with `expected.txt`, where their ENVELOPE and BODYSTRUCTURE stand as they
//! are to be (`CORPUS_WRITE=1` writes it anew, for review). The great corpus of real mail is not part of the repository.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../imap/support.rs"]
mod support;

mod scanning;
mod sections;
mod talk;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use imap4_proto::types::Status;
use mailstore_api::{MailStore, MemoryStore};
use mailstore_sqlite::{Options, SqliteStore};
use support::Server;
use talk::Talk;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn messages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/messages")
}

fn hard() -> Vec<PathBuf> {
    files(&messages()).into_iter().filter(|f| f.extension().is_some_and(|e| e == "eml")).collect()
}

fn corpus() -> Vec<PathBuf> {
    let shared = std::env::var_os("MAIL_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let files = files(&shared.join("corpus"));
    if files.is_empty() {
        println!("no corpus at {}: only the messages of this folder are read", shared.display());
    }
    files
}

/// All line ends made CRLF, as clients send them.
fn crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 30);
    let mut last = 0;
    for octet in message {
        if *octet == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(*octet);
        last = *octet;
    }
    out
}

/// Appends each message as it is and with CRLF, and holds all that can be fetched of it together.
async fn through<St: MailStore>(store: St, files: &[PathBuf], account: impl FnOnce(&St)) {
    account(&store);
    let server = Server::on(store);
    let mut talk = Talk::login(&server).await;
    talk.select("INBOX").await;
    let (mut number, mut parts) = (0, 0);
    for file in files {
        let raw = fs::read(file).unwrap();
        let with_crlf = crlf(&raw);
        let both = if with_crlf == raw { vec![raw] } else { vec![raw, with_crlf] };
        for message in both.iter().filter(|m| !m.is_empty()) {
            let answer = talk.append(message).await;
            assert_eq!(answer.status, Status::Ok, "{}: {}", file.display(), answer.code);
            number += 1;
            parts += sections::hold_together(&mut talk, number, message)
                .await
                .unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
        }
    }
    println!("{number} messages, {parts} parts");
}

#[tokio::test]
async fn hard_messages_come_back_whole_and_part_by_part() {
    through(MemoryStore::new(), &hard(), |s| s.create_account("anna").unwrap()).await;
}

#[tokio::test]
async fn the_corpus_comes_back_whole_and_part_by_part() {
    let store = MemoryStore::new();
    through(store, &corpus(), |s| s.create_account("anna").unwrap()).await;
}

#[tokio::test]
async fn both_come_back_from_the_embedded_store_as_well() {
    let dir = std::env::temp_dir().join(format!("corpus-{}", std::process::id()));
    let store = SqliteStore::open(&dir, Options::default()).unwrap();
    let files: Vec<PathBuf> = hard().into_iter().chain(corpus().into_iter().step_by(10)).collect();
    through(store, &files, |s| {
        s.create_account("anna", None).unwrap();
    })
    .await;
    fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn hard_messages_have_the_envelope_and_structure_they_are_to_have() {
    let store = MemoryStore::new();
    store.create_account("anna").unwrap();
    let server = Server::on(store);
    let mut client = server.select().await;
    let mut found = String::new();
    for (n, file) in hard().iter().enumerate() {
        let message = fs::read(file).unwrap();
        let literal8 = message.contains(&0);
        let answer = client.append_literal("INBOX", &message, literal8).await;
        assert!(answer.starts_with("OK"), "{}: {answer}", file.display());
        writeln!(found, "{}", file.file_stem().unwrap().to_str().unwrap()).unwrap();
        for item in ["ENVELOPE", "BODYSTRUCTURE"] {
            let lines = client.ok(&format!("FETCH {} {item}", n + 1)).await;
            let line = lines.iter().find(|l| l.contains(item)).unwrap();
            let value = line.split_once(&format!("FETCH ({item} ")).unwrap().1;
            let value = value.strip_suffix(')').unwrap();
            // What is long, and octets beyond ASCII, would not be read by anybody.
            let value = value.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
            let cut = value.char_indices().nth(1500).map_or(value.len(), |(at, _)| at);
            writeln!(found, "  {}", &value[..cut]).unwrap();
        }
    }
    let file = messages().join("expected.txt");
    if std::env::var_os("CORPUS_WRITE").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap();
    let mut name = "";
    for (found, expected) in found.lines().zip(expected.lines()) {
        if !expected.starts_with(' ') {
            name = expected;
        }
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}
