//! What cannot be served is said in one line that says how to mend it, and the exit code is not 0.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{net::TcpListener, process::Output};

use support::{binary, configure};

/// It failed, with one line that has these parts.
#[track_caller]
fn says(output: &Output, parts: &[&str]) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{err}");
    assert_eq!(err.trim_end().lines().count(), 1, "{err}");
    assert!(err.starts_with("mailserver: "), "{err}");
    for part in parts {
        assert!(err.contains(part), "{part:?} in {err:?}");
    }
}

#[test]
fn a_wrong_key_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.toml");
    std::fs::write(&file, "hostname = \"a.test\"\n\n[listen]\nimpa = [\"127.0.0.1:0\"]\n").unwrap();
    let output = binary().arg("--config").arg(&file).output().unwrap();
    says(&output, &["m.toml line 4", "unknown field `impa`", "`imap`"]);
}

#[test]
fn an_unreadable_configuration_or_certificate_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = binary().arg("--config").arg(dir.path().join("none.toml")).output().unwrap();
    says(&output, &["none.toml", "--config"]);
    let more = "[tls]\ncertificate = \"no.pem\"\nkey = \"no.key\"\n";
    let file = configure(dir.path(), "always", more);
    let output = binary().arg("--config").arg(&file).output().unwrap();
    says(&output, &["no.pem", "tls.certificate"]);
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = dir.path().join("m.toml");
    std::fs::write(&file, format!("data = \"data\"\n[listen]\npop3 = [\"{address}\"]\n")).unwrap();
    let output = binary().arg("--config").arg(&file).output().unwrap();
    says(&output, &[&address, "listen.pop3", "in use"]);
    assert!(!dir.path().join("data").exists());
}

#[test]
fn nothing_to_listen_on_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.toml");
    std::fs::write(&file, "hostname = \"a.test\"\n").unwrap();
    says(&binary().arg("--config").arg(&file).output().unwrap(), &["nothing to serve", "[listen]"]);
}

#[test]
fn a_log_level_that_is_none_is_a_fault() {
    says(&binary().args(["--log", "a=b=c"]).output().unwrap(), &["log level", "debug"]);
}

#[test]
fn help_teaches() {
    let output = binary().arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["[listen]", "plaintext = \"tls-only\"", "password_hash", "user add", "1993", "--config"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn the_configuration_help_shows_is_one_the_server_reads() {
    let output = binary().arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let shown = &text[text.find("  hostname = ").unwrap()..];
    // Every key of it is known: what fails is the certificate it names, and only that.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.toml");
    let ports = shown.replace(":1143", ":0").replace(":1993", ":0").replace(":1110", ":0");
    let ports = ports.replace(":1995", ":0").replace(":1587", ":0").replace(":1465", ":0");
    std::fs::write(&file, ports).unwrap();
    says(&binary().arg("--config").arg(&file).output().unwrap(), &["cert.pem", "tls.certificate"]);
}
