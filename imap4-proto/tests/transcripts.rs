//! Lines that other projects keep of servers and clients: each is read, or stands in a list with the reason why it must not be.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may panic and report"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use imap4_proto::{
    client::{self, Client},
    server::{self, Server},
    types::{Attribute, Capabilities, Command, Reading, Response},
};
use mail_wire::{Instant, Machine, Poll};

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
        for file in [of.to_string(), format!("rs/{of}")] {
            let Ok(text) = std::fs::read(folder.as_ref().unwrap().path().join(file)) else { continue };
            lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_string));
        }
    }
    Some(lines)
}

fn list() -> BTreeMap<u64, &'static str> {
    NOT_READ
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| {
            let (hash, reason) = l.split_once(' ').unwrap();
            assert!(reason.len() > 10, "no reason: {l}");
            (u64::from_str_radix(hash, 16).unwrap(), reason)
        })
        .collect()
}

/// Each line is read, and written it is read to the same, or it stands in the list.
fn sort(lines: &BTreeSet<String>, is_read: impl Fn(&str) -> bool) {
    let list = list();
    let (mut read, mut listed, mut wrong) = (0, 0, Vec::new());
    for line in lines {
        match (is_read(line), list.get(&hash(line))) {
            (true, None) => read += 1,
            (false, Some(_)) => listed += 1,
            (true, Some(_)) => wrong.push(format!("is read, and listed: {:016x} {line}", hash(line))),
            (false, None) => wrong.push(format!("is not read: {:016x} {line}", hash(line))),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
    println!("{read} lines are read, {listed} are listed");
}

/// A response, whole and in all its items; or the start of one, up to a literal, as the client machine takes it.
fn is_response(line: &str) -> bool {
    let wire = format!("{line}\r\n");
    match Response::parse(wire.as_bytes(), Reading::TOLERANT) {
        Ok(Response::Fetch(f) | Response::UidFetch(f))
            if f.items.iter().any(|a| matches!(a, Attribute::Malformed { .. })) =>
        {
            false
        }
        Ok(response) => {
            let mut again = Vec::new();
            response.encode(&mut again);
            assert_eq!(Response::parse(&again, Reading::TOLERANT), Ok(response), "{line}");
            true
        }
        Err(_) => starts_a_response(&wire),
    }
}

fn starts_a_response(wire: &str) -> bool {
    use client::Event as E;
    let mut client = Client::new(client::Config::default());
    for wire in ["* PREAUTH hi\r\n", wire] {
        match client.poll(wire.as_bytes(), Instant::ZERO) {
            Ok(Poll::Frame(n)) => match client.event(&wire.as_bytes()[..n]) {
                E::Greeting { .. } => {}
                E::FetchBegin { .. } | E::UidFetchBegin { .. } => return true,
                _ => return false,
            },
            // A literal that is buffered.
            Ok(Poll::NeedInput { hint }) => return hint > 1,
            _ => return false,
        }
    }
    false
}

/// A command, with or without its tag, every extension on; or the start of one, up to a literal, that can be completed.
fn is_command(line: &str) -> bool {
    // Many were kept without their tag.
    let without_tag = line.split_once(' ').map_or("", |(_, rest)| rest);
    [line, without_tag].into_iter().any(|l| is_whole_command(l.as_bytes()) || starts_a_command(l))
}

fn is_whole_command(wire: &[u8]) -> bool {
    let Some(command) = Command::parse(wire, true) else { return false };
    let mut again = Vec::new();
    command.encode(&mut again);
    assert_eq!(Command::parse(&again, true), Some(command), "{}", wire.escape_ascii());
    true
}

/// What could stand behind a literal.
const ENDS: &[&str] = &["", " x", " (x)", ")", " {1+}", " (MESSAGES)", ") {1+}", " ALL", " NIL)"];

fn starts_a_command(line: &str) -> bool {
    let header = line.strip_suffix('}').and_then(|l| l.rsplit_once('{'));
    let Some(len) = header.and_then(|(_, n)| n.trim_end_matches('+').parse::<usize>().ok()) else {
        return false;
    };
    // A literal8 may hold anything, an APPEND's payload too.
    let octets = if len < 100_000 { "x".repeat(len) } else { return false };
    ENDS.iter().any(|end| {
        let command = format!("{line}\r\n{octets}{end}");
        is_whole_command(command.as_bytes()) || is_append(&command)
    })
}

/// The server machine takes it for the start of an APPEND.
fn is_append(command: &str) -> bool {
    let mut config = server::Config::default();
    config.capabilities = Capabilities::from_bits(u128::MAX).without(Capabilities::LITERAL_MINUS);
    let mut server = Server::preauthenticated(config);
    let wire = format!("t {command}\r\n");
    let Ok(Poll::Frame(n)) = server.poll(wire.as_bytes(), Instant::ZERO) else { return false };
    matches!(server.event(&wire.as_bytes()[..n]), server::Event::AppendBegin(_))
}

#[test]
fn every_line_of_a_server_is_read_or_listed() {
    if let Some(lines) = lines("imap-server.txt") {
        sort(&lines, is_response);
    }
}

#[test]
fn every_line_of_a_client_is_read_or_listed() {
    if let Some(lines) = lines("imap-client.txt") {
        sort(&lines, is_command);
    }
}

#[test]
fn the_list_has_nothing_that_the_collection_lacks() {
    let list = list();
    let (Some(server), Some(client)) = (lines("imap-server.txt"), lines("imap-client.txt")) else { return };
    let known: BTreeSet<u64> = server.iter().chain(&client).map(|l| hash(l)).collect();
    let stale: Vec<_> = list.iter().filter(|(hash, _)| !known.contains(hash)).collect();
    assert!(stale.is_empty(), "{stale:?}");
}
