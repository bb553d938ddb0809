//! Lines that other projects keep of servers and clients: what is read can be written, and is read to the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may panic and report"
)]

use std::{collections::BTreeSet, path::PathBuf};

use smtp_submit_proto::{Command, Reply, Rules};

/// The lines of all files of this name, or nothing where there is no collection.
fn lines(of: &str) -> Option<BTreeSet<String>> {
    let shared = std::env::var_os("MAIL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(folders) = std::fs::read_dir(shared.join("transcripts")) else {
        println!("no transcripts at {}: set MAIL_SHARED", shared.display());
        return None;
    };
    let mut lines = BTreeSet::new();
    for folder in folders {
        let Ok(text) = std::fs::read(folder.unwrap().path().join(of)) else { continue };
        lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_string));
    }
    Some(lines)
}

#[test]
fn what_is_read_of_clients_is_written_and_read_to_the_same() {
    let Some(lines) = lines("smtp-client.txt") else { return };
    let mut rules = Rules::all();
    let (mut read, mut refused) = (0, 0);
    for line in &lines {
        for lmtp in [false, true] {
            rules.lmtp = lmtp;
            let Ok(command) = Command::parse(line.as_bytes(), &rules) else {
                refused += 1;
                continue;
            };
            let mut again = Vec::new();
            command.encode(&mut again).unwrap();
            assert_eq!(Command::parse(&again, &rules), Ok(command), "{line}");
            read += 1;
        }
    }
    println!("{read} lines are read, {refused} are answered with an error");
    assert!(lines.is_empty() || read * 2 > refused, "{read} of {}", read + refused);
}

#[test]
fn every_whole_reply_of_a_server_is_read() {
    let Some(lines) = lines("smtp-server.txt") else { return };
    let is_last = |l: &str| {
        let code = l
            .as_bytes()
            .get(..3)
            .is_some_and(|c| matches!(c[0], b'2'..=b'5') && c.iter().all(u8::is_ascii_digit));
        code && matches!(l.as_bytes().get(3), None | Some(b' '))
    };
    let replies: Vec<_> = lines.iter().filter(|l| is_last(l)).collect();
    for line in &replies {
        let wire = format!("{line}\r\n");
        assert!(Reply::parse(wire.as_bytes()).is_some(), "{line}");
    }
    println!("{} replies are read", replies.len());
}
