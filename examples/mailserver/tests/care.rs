//! `mailserver store` beside a running server, and on a store that is damaged.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{fs, path::Path, process::Output};

use support::{Server, binary};

fn store(config: &Path, args: &[&str]) -> Output {
    binary().arg("store").args(args).arg("--config").arg(config).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

#[test]
fn a_store_is_checked_backed_up_and_shrunk_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    let out = store(&server.config, &["check"]);
    assert!(out.status.success(), "{out:?}");
    assert!(text(&out.stdout).starts_with("no faults in 0 messages"), "{out:?}");
    assert!(!text(&out.stderr).contains('\r'), "no bar where nobody sees it");

    let to = dir.path().join("backup");
    let out = store(&server.config, &["backup", to.to_str().unwrap()]);
    assert!(out.status.success(), "{out:?}");
    let out = store(&server.config, &["backup", to.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("has something in it"), "{out:?}");
    assert!(store(&server.config, &["vacuum"]).status.success());

    // The copy is a store with the same mailboxes.
    let out = binary().args(["user", "list", "--data"]).arg(&to).output().unwrap();
    assert_eq!(text(&out.stdout), "alice@example.test\nbob@example.test\n");
    let out = binary().args(["store", "check", "--data"]).arg(&to).output().unwrap();
    assert!(out.status.success(), "{out:?}");

    // A file that is nobody's is found, and goes.
    let bucket = to.join("bodies/00-0000");
    fs::create_dir_all(&bucket).unwrap();
    fs::write(bucket.join("nobodys"), "x").unwrap();
    let out = binary().args(["store", "check", "--data"]).arg(&to).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(text(&out.stdout).contains("bodies/00-0000/nobodys  (repair mends it)\n1 faults in"), "{out:?}");
    let out = binary().args(["store", "repair", "--data"]).arg(&to).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert!(text(&out.stdout).starts_with("1 faults mended\nno faults"), "{out:?}");
}

#[test]
fn no_store_is_made_by_looking_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let out = binary().args(["store", "check", "--data"]).arg(dir.path().join("none")).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("there is no mail store in"), "{out:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
