//! Lines that other projects keep of servers and clients: each is read, and what is read can be written and read again; or it
//! stands in a list with the reason why it must not be read.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may panic and report"
)]

use std::{collections::BTreeSet, path::PathBuf};

use mail_wire::{Instant, Machine as _, Poll};
use pop3_proto::{
    Command, Encoder, Tolerance,
    client::{Client, Config, Event},
};

/// `hash reason`, one a line. A hash is [`hash`] of the line.
const NOT_READ: &str = include_str!("transcripts/not-read.txt");

/// FNV-1a of 64 bits.
fn hash(line: &str) -> u64 {
    line.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

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

/// Each line is read, or stands in the list; never both.
fn all_read(lines: &BTreeSet<String>, is_read: impl Fn(&str) -> bool) {
    let listed: BTreeSet<u64> = NOT_READ
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| u64::from_str_radix(l.split_once(' ').unwrap().0, 16).unwrap())
        .collect();
    let wrong: Vec<String> = lines
        .iter()
        .filter(|line| is_read(line) == listed.contains(&hash(line)))
        .map(|line| format!("{:016x} {line}", hash(line)))
        .collect();
    assert!(wrong.is_empty(), "not read and not listed, or both:\n{}", wrong.join("\n"));
    println!("{} lines", lines.len());
}

#[test]
fn what_clients_say_is_read_written_and_read_to_the_same() {
    let Some(lines) = lines("pop3-client.txt") else { return };
    all_read(&lines, |line| {
        let Ok(command) = Command::parse(line.as_bytes(), Tolerance::default()) else { return false };
        let mut again = Vec::new();
        Encoder::new(&mut again).command(&command);
        assert_eq!(Command::parse(&again, Tolerance::STRICT), Ok(command), "{line}");
        true
    });
}

/// What the client's machine makes of the answer to QUIT: whether all went well, and the words.
fn answered(wire: &[u8]) -> Option<(bool, Vec<u8>)> {
    let mut client = Client::new(Config::default());
    for wire in [b"+OK\r\n", wire] {
        match client.poll(wire, Instant::ZERO) {
            Ok(Poll::Frame(n)) if n == wire.len() => match client.event(wire) {
                Event::Greeting { .. } => client.quit().unwrap(),
                Event::Closing { ok, text } => return Some((ok, text.to_vec())),
                other => panic!("{other:?}"),
            },
            _ => return None,
        }
    }
    None
}

#[test]
fn what_servers_say_is_read_written_and_read_to_the_same() {
    let Some(lines) = lines("pop3-server.txt") else { return };
    all_read(&lines, |line| {
        let Some((ok, text)) = answered(format!("{line}\r\n").as_bytes()) else { return false };
        let mut again = Vec::new();
        let words = String::from_utf8(text.clone()).unwrap();
        match ok {
            true => Encoder::new(&mut again).ok(&words, true),
            false => Encoder::new(&mut again).err(None, &words, true),
        }
        assert_eq!(answered(&again), Some((ok, text)), "{line}");
        true
    });
}
