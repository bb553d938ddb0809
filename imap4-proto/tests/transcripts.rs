//! Lines that clients of other projects send: none stops the grammar, and most are commands.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and report")]

use std::{collections::BTreeSet, path::PathBuf};

use imap4_proto::types::Command;

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
        for file in ["imap-client.txt", "rs/imap-client.txt"] {
            let Ok(text) = std::fs::read(folder.as_ref().unwrap().path().join(file)) else { continue };
            lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_string));
        }
    }
    let (mut read, mut all) = (0, 0);
    for line in &lines {
        // As it is and without its tag: the lines are sorted by pattern, and many have none.
        let without_tag = line.split_once(' ').map_or("", |(_, rest)| rest);
        let command =
            [line.as_str(), without_tag].into_iter().find_map(|l| Command::parse(l.as_bytes(), true));
        all += 1;
        match command {
            Some(command) => {
                read += 1;
                let mut again = Vec::new();
                command.encode(&mut again);
                assert_eq!(Command::parse(&again, true), Some(command), "{line}");
            }
            None => println!("not read: {line}"),
        }
    }
    println!("{read} of {all} lines are commands");
    assert!(all == 0 || read * 3 > all, "{read} of {all}");
}
