//! Long work says how far it is. IMPORT says of how many messages (100,000 take a minute; without it, 3,000).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use support::{binary, configure};

fn number() -> usize {
    std::env::var("IMPORT").ok().and_then(|n| n.parse().ok()).unwrap_or(3000)
}

fn mbox(file: &Path, messages: usize) {
    let mut out = BufWriter::new(File::create(file).unwrap());
    let line = "All work and no play makes Jack a dull boy.\n".repeat(30);
    for n in 0..messages {
        write!(
            out,
            "From a@example.org Thu Nov 19 12:00:00 2026\nFrom: a@example.org\nSubject: {n}\n\n{line}\n"
        )
        .unwrap();
    }
    out.flush().unwrap();
}

#[test]
fn a_long_import_shows_how_far_it_is_on_a_terminal_and_hardly_anything_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "always", "");
    for user in ["anna@example.test", "bert@example.test"] {
        let mut adds = binary();
        let mut adds =
            adds.args(["user", "add", user, "--config"]).arg(&config).stdin(Stdio::piped()).spawn().unwrap();
        adds.stdin.take().unwrap().write_all(b"a password\n").unwrap();
        assert!(adds.wait().unwrap().success());
    }
    let file = dir.path().join("mail.mbox");
    mbox(&file, number());

    let begun = Instant::now();
    let out = binary()
        .args(["import", "anna@example.test"])
        .arg(&file)
        .arg("--config")
        .arg(&config)
        .output()
        .unwrap();
    let took = begun.elapsed();
    assert!(out.status.success(), "{out:?}");
    let said = String::from_utf8(out.stderr).unwrap();
    let lines = said.lines().filter(|l| l.starts_with("mailserver: importing")).count();
    assert!(lines as u64 <= took.as_secs() / 10, "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "no drawing: {said:?}");
    println!("{} messages imported in {took:.1?}", number());

    // On a terminal of its own.
    let command = format!(
        "{} import bert@example.test {} --config {}",
        env!("CARGO_BIN_EXE_mailserver"),
        file.display(),
        config.display()
    );
    let out = Command::new("script").args(["-qefc", &command, "/dev/null"]).output();
    let Ok(out) = out else {
        println!("no script, which makes a terminal: the bar is not looked at");
        return;
    };
    let seen = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{seen}");
    let shown: Vec<_> = seen.split('\r').filter(|l| l.contains("importing [")).collect();
    assert!(!shown.is_empty(), "{seen:?}");
    for part in [" %", " left", " messages, ", "/s, "] {
        assert!(shown.iter().any(|l| l.contains(part)), "{part:?} in {shown:?}");
    }
    println!("{} times drawn; the last: {}", shown.len(), shown[shown.len() - 1].trim());
}
