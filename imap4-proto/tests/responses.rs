//! Lines that servers of other projects send: how many are read, and what is not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "tests may panic and report"
)]

use std::{collections::BTreeSet, path::PathBuf};

use imap4_proto::{
    client::{Client, Config, Event},
    types::{Attribute, Reading, Response},
};
use mail_wire::{Instant, Machine, Poll};

/// Whether all of it is read. A line that ends with a literal's header is the start of a response: it is read as the client
/// machine does.
fn is_read(line: &str) -> bool {
    let wire = format!("{line}\r\n");
    match Response::parse(wire.as_bytes(), Reading::TOLERANT) {
        Ok(Response::Fetch(f)) => !f.items.iter().any(|a| matches!(a, Attribute::Malformed { .. })),
        Ok(_) => true,
        Err(_) => begins(&wire),
    }
}

fn begins(wire: &str) -> bool {
    let mut client = Client::new(Config::default());
    for wire in ["* PREAUTH hi\r\n", wire] {
        match client.poll(wire.as_bytes(), Instant::ZERO) {
            Ok(Poll::Frame(n)) => match client.event(&wire.as_bytes()[..n]) {
                Event::Greeting { .. } => {}
                Event::FetchBegin { .. } => return true,
                _ => return false,
            },
            // A literal that is buffered.
            Ok(Poll::NeedInput { hint }) => return hint > 1,
            _ => return false,
        }
    }
    false
}

#[test]
fn lines_of_other_projects_are_read() {
    let shared = std::env::var_os("MAIL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(folders) = std::fs::read_dir(shared.join("transcripts")) else {
        println!("no transcripts at {}: set MAIL_SHARED", shared.display());
        return;
    };
    let mut lines = BTreeSet::new();
    for folder in folders {
        for file in ["imap-server.txt", "rs/imap-server.txt"] {
            let Ok(text) = std::fs::read(folder.as_ref().unwrap().path().join(file)) else { continue };
            lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_string));
        }
    }
    let mut read = 0;
    let mut differ = Vec::new();
    for line in &lines {
        if !is_read(line) {
            println!("not read: {line}");
            continue;
        }
        read += 1;
        let wire = format!("{line}\r\n");
        if let Ok(response) = Response::parse(wire.as_bytes(), Reading::TOLERANT) {
            let mut again = Vec::new();
            response.encode(&mut again);
            if Response::parse(&again, Reading::TOLERANT) != Ok(response) {
                differ.push((line, again.escape_ascii().to_string()));
            }
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
    println!("{read} of {} lines are responses", lines.len());
    assert!(lines.is_empty() || read * 3 > lines.len() * 2, "{read} of {}", lines.len());
}
