//! Scripts of IMAP conversations, played against the example server over TCP and against Dovecot as the control.
//! README.md beside this file says how they are written.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod dovecot;
mod pattern;
mod play;
mod script;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use script::Script;
use support::{SERVICES, Server, binary};

/// `secret`, hashed with the least that Argon2id can do: who logs in is not what is played here, and it is done some hundred times.
const SECRET: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdC1vZi1zY3JpcHRz$RVUMxzpcoTsnQixs2JacYc0MUJbmIR+RXeZke+5QLZE";

/// Scripts played at once.
const AT_ONCE: usize = 6;

fn scripts() -> Vec<(String, Script)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues/imap");
    let wanted = std::env::var("DIALOGUE").unwrap_or_default();
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let scripts: Vec<(String, Script)> = files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "txt"))
        .map(|f| (f.file_stem().unwrap().to_str().unwrap().to_owned(), f))
        .filter(|(name, _)| name.contains(&wanted))
        .map(|(name, f)| {
            let script =
                script::parse(&fs::read_to_string(f).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, script)
        })
        .collect();
    assert!(!scripts.is_empty(), "no script is called so");
    scripts
}

/// Each script has two users of its own.
fn play_all(scripts: &[(String, Script)], servers: &[String], is_control: bool) {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((n, (name, script))) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, scripts.get(n)?)))
                {
                    let users = [format!("d{}", 2 * n), format!("d{}", 2 * n + 1)];
                    if let Err(fault) = play::play(script, servers, [&users[0], &users[1]], is_control) {
                        faults.lock().unwrap().push(format!("{name} ({}), {fault}", script.title));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    println!("{} scripts played, {} failed", scripts.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// So many processes of the server on one store, with two users for each script.
fn serve(dir: &Path, processes: usize, scripts: usize) -> Vec<Server> {
    let mailboxes: String = (0..2 * scripts)
        .map(|n| format!("[[mailbox]]\naddress = \"d{n}@example.test\"\npassword_hash = \"{SECRET}\"\n"))
        .collect();
    let file = dir.join("mail.toml");
    let text = format!("data = \"data\"\n{SERVICES}[auth]\nplaintext = \"always\"\n{mailboxes}");
    fs::write(&file, text).unwrap();
    (0..processes)
        .map(|_| {
            let mut command = binary();
            command.arg("--config").arg(&file);
            Server::spawn(command, file.clone()).unwrap()
        })
        .collect()
}

fn addresses(servers: &[Server]) -> Vec<String> {
    servers.iter().map(|s| format!("127.0.0.1:{}", s.port("imap"))).collect()
}

#[test]
fn the_example_server_follows_every_script() {
    let scripts = scripts();
    if let Ok(server) = std::env::var("DIALOGUE_SERVER") {
        return play_all(&scripts, &[server], false);
    }
    let dir = tempfile::tempdir().unwrap();
    let servers = serve(dir.path(), 1, scripts.len());
    play_all(&scripts, &addresses(&servers), false);
}

#[test]
fn two_processes_on_one_store_follow_the_scripts_with_several_connections() {
    // Which of two processes was the first to tell of a message is known a moment later; until then it is recent in both
    // (RFC 3501 section 2.3.2).
    let told_later = |name: &str| name == "two-recent";
    let scripts: Vec<_> =
        scripts().into_iter().filter(|(name, s)| s.has_company() && !told_later(name)).collect();
    let dir = tempfile::tempdir().unwrap();
    let servers = serve(dir.path(), 2, scripts.len());
    play_all(&scripts, &addresses(&servers), false);
}

#[test]
fn the_control_follows_every_script_it_has_the_row_for() {
    let (scripts, others): (Vec<_>, Vec<_>) =
        scripts().into_iter().partition(|(_, s)| s.no_control.is_none());
    for (name, script) in &others {
        println!("not for the control: {name}: {}", script.no_control.as_deref().unwrap_or_default());
    }
    match dovecot::Dovecot::start(2 * scripts.len()) {
        Ok(server) => play_all(&scripts, std::slice::from_ref(&server.address), true),
        Err(why) => println!("the control is not played: {why}"),
    }
}
