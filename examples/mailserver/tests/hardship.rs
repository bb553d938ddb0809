//! A server whose machine fails it: no room on the disk, a file system that is read-only, a message's file damaged or gone, no descriptors.
//! What cannot be done is refused, what was acknowledged is there, and all goes on without a restart once the cause is gone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use support::{ALICE, Client, Server, binary, configure};

/// Starts the server by a shell that has run `first`, perhaps with a file system of its own; `None`, and why, where that cannot be.
fn start_after(dir: &Path, namespace: bool, first: &str) -> Option<Server> {
    let config = configure(dir, "always", "");
    let words: &[&str] =
        if namespace { &["unshare", "--user", "--map-root-user", "--mount", "sh"] } else { &["sh"] };
    if namespace
        && !Command::new(words[0])
            .args(&words[1..])
            .args(["-c", "mount -t tmpfs none /mnt"])
            .output()
            .is_ok_and(|o| o.status.success())
    {
        println!("SKIPPED: file systems of one's own cannot be mounted here");
        return None;
    }
    let plain = binary();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["-c", &format!("{first} && exec \"$@\""), "sh"]).arg(plain.get_program());
    command.arg("--config").arg(&config).args(["--log", "warn"]);
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    Some(Server::spawn(command, config).expect("the server starts"))
}

fn imap(server: &Server) -> Client {
    let mut c = server.connect_plain("imap");
    c.line().unwrap();
    let entered = c.imap(&format!("LOGIN alice@example.test {ALICE}"));
    assert!(entered.contains("t OK"), "{entered}");
    c.imap("SELECT INBOX");
    c
}

fn message(i: usize, size: usize) -> String {
    format!("Subject: {i}\r\n\r\n{}\r\n", "x".repeat(size))
}

/// The tagged answer to APPEND.
fn append(c: &mut Client, message: &str) -> String {
    c.write(format!("t APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()).as_bytes());
    c.read_to(|l| l.starts_with("t ")).lines().last().unwrap().to_owned()
}

/// The reply to a message sent by SMTP.
fn submit(server: &Server, message: &str) -> String {
    let mut c = server.connect_plain("submission");
    c.line().unwrap();
    c.smtp("EHLO me");
    c.smtp(&format!("AUTH PLAIN {}", support::base64(format!("\0alice@example.test\0{ALICE}"))));
    let mail = c.smtp("MAIL FROM:<alice@example.test>");
    if !mail.starts_with("250") {
        return mail;
    }
    let rcpt = c.smtp("RCPT TO:<alice@example.test>");
    if !rcpt.starts_with("250") {
        return rcpt;
    }
    c.smtp("DATA");
    c.smtp(&format!("{message}."))
}

/// What RETR of the first message says, or whatever stands before it.
fn pop3(server: &Server) -> String {
    let mut c = server.connect_plain("pop3");
    c.line().unwrap();
    c.pop3("USER alice@example.test");
    let entered = c.pop3(&format!("PASS {ALICE}"));
    if !entered.starts_with("+OK") {
        return entered;
    }
    let first = c.pop3("RETR 1");
    c.read_to(|l| l == "." || first.starts_with("-ERR"));
    // The maildrop is free again for whoever comes next.
    c.pop3("QUIT");
    while c.line().is_some() {}
    first
}

/// The numbers in the subjects of INBOX.
fn subjects(server: &Server) -> Vec<usize> {
    let mut c = imap(server);
    let said = c.imap("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]");
    said.lines().filter_map(|l| l.strip_prefix("Subject: ")?.parse().ok()).collect()
}

/// Tries again until it is done: refusals pass within a moment.
fn eventually(what: &str, mut done: impl FnMut() -> Result<(), String>) {
    let begun = Instant::now();
    loop {
        match done() {
            Ok(()) => return println!("{what}: after {:?}", begun.elapsed()),
            Err(e) => assert!(begun.elapsed() < support::PATIENCE, "{what}: {e}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let Some(server) =
        start_after(dir.path(), true, &format!("mount -t tmpfs -o size=24m none '{}'", data.display()))
    else {
        return;
    };
    let mut c = imap(&server);
    let mut kept = Vec::new();
    let mut refused = 0;
    for i in 0..400 {
        let answer = append(&mut c, &message(i, 200_000));
        if answer.starts_with("t OK [APPENDUID") {
            kept.push(i);
            assert!(refused == 0 || i < 399);
        } else {
            assert!(answer.starts_with("t NO ["), "{answer}");
            refused += 1;
            if refused == 3 {
                println!("{} messages, then: {answer}", kept.len());
                break;
            }
        }
    }
    assert!(refused == 3, "{} messages in 24 MiB", kept.len());
    let reply = submit(&server, &message(1000, 200_000));
    println!("SMTP: {reply}");
    assert!(reply.starts_with('4'), "a refusal that passes: {reply}");
    // Reading goes on: every message that was acknowledged, by IMAP and by POP3.
    assert_eq!(subjects(&server), kept);
    let mut pop3 = server.connect_plain("pop3");
    pop3.line().unwrap();
    pop3.pop3("USER alice@example.test");
    pop3.pop3(&format!("PASS {ALICE}"));
    let stat = pop3.pop3("STAT");
    assert!(stat.starts_with(&format!("+OK {} ", kept.len())), "{stat}");
    assert!(pop3.pop3("RETR 1").starts_with("+OK"));
    drop(pop3);
    // Room is made by deleting, and it works again.
    c.imap("STORE 1:30 +FLAGS.SILENT (\\Deleted)");
    let answer = c.imap("EXPUNGE");
    assert!(answer.contains("t OK"), "{answer}");
    kept.drain(..30);
    eventually("a message is taken again", || {
        let answer = append(&mut c, &message(2000, 200_000));
        if answer.starts_with("t OK") { Ok(()) } else { Err(answer) }
    });
    kept.push(2000);
    eventually("and by SMTP", || {
        let reply = submit(&server, &message(3000, 100_000));
        if reply.starts_with("250") { Ok(()) } else { Err(reply) }
    });
    kept.push(3000);
    assert_eq!(subjects(&server), kept);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The files of messages in the store.
fn bodies(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![dir.join("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("bodies") {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_store_that_turns_read_only_refuses_and_takes_again_when_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(server) = start_after(dir.path(), true, "true") else { return };
    let mut c = imap(&server);
    assert!(append(&mut c, &message(1, 300_000)).starts_with("t OK"));
    // Nothing can be created where messages are written.
    let tmp: Vec<PathBuf> = fs::read_dir(&data)
        .unwrap()
        .flatten()
        .map(|e| e.path().join("tmp"))
        .filter(|p| p.is_dir())
        .chain([data.join("tmp")])
        .filter(|p| p.is_dir())
        .collect();
    assert!(!tmp.is_empty(), "the store has a folder for what is written");
    let inside = |command: String| {
        let pid = server.pid().to_string();
        let run = Command::new("nsenter")
            .args(["-t", &pid, "-U", "-m", "--preserve-credentials", "sh", "-c", &command])
            .output();
        run.is_ok_and(|o| {
            print!("{}", String::from_utf8_lossy(&o.stderr));
            o.status.success()
        })
    };
    let mut kept = vec![1];
    // Where messages are written, and all of the store: of that, what is open stays so (its databases can be written), and nothing new is made.
    for (n, places) in [(10, tmp), (20, vec![data])] {
        let over = |do_it: &dyn Fn(&Path) -> String| {
            places.iter().map(|p| do_it(p)).collect::<Vec<_>>().join(" && ")
        };
        if !inside(over(&|p| {
            format!("mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}'", p.display())
        })) {
            println!("SKIPPED: no nsenter, or what is there cannot be made read-only");
            return;
        }
        let answer = append(&mut c, &message(n, 300_000));
        println!("IMAP: {answer}");
        assert!(answer.starts_with("t NO"), "{answer}");
        let reply = submit(&server, &message(n, 300_000));
        println!("SMTP: {reply}");
        assert!(reply.starts_with('4'), "a refusal that passes: {reply}");
        // A small one needs no file of its own: taken or refused, and if taken, kept.
        let answer = append(&mut c, &message(n + 1, 10));
        println!("a small one: {answer}");
        assert!(answer.starts_with("t NO") || answer.starts_with("t OK"), "{answer}");
        if answer.starts_with("t OK") {
            kept.push(n + 1);
        }
        assert_eq!(subjects(&server), kept);
        // A maildrop is locked by a file of its own; messages are read without one.
        let answer = pop3(&server);
        println!("POP3: {answer}");
        assert!(answer.starts_with("+OK") || (n == 20 && answer.starts_with("-ERR [SYS/TEMP]")), "{answer}");
        assert!(inside(over(&|p| format!("umount '{}'", p.display()))));
        eventually("a message is taken again", || {
            let answer = append(&mut c, &message(n + 2, 300_000));
            if answer.starts_with("t OK") { Ok(()) } else { Err(answer) }
        });
        kept.push(n + 2);
        assert_eq!(subjects(&server), kept);
        assert!(pop3(&server).starts_with("+OK"));
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn a_store_that_is_read_only_from_the_start_is_told_in_words_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start_quietly(dir.path(), "always", "");
    assert!(append(&mut imap(&server), &message(1, 300_000)).starts_with("t OK"));
    let (well, _, log) = server.stop();
    assert!(well, "{log}");
    let config = dir.path().join("mail.toml");
    let plain = binary();
    let script =
        format!("mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}' && exec \"$@\"", data.display());
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(plain.get_program())
        .arg("--config")
        .arg(&config)
        .stdin(std::process::Stdio::null())
        .output();
    let said = match &run {
        Ok(o) => String::from_utf8_lossy(&o.stderr).into_owned(),
        Err(e) => e.to_string(),
    };
    if run.is_err() || said.contains("unshare") || said.contains("mount:") {
        println!("SKIPPED: file systems of one's own cannot be mounted here: {said}");
        return;
    }
    println!("{said}");
    assert!(run.is_ok_and(|o| !o.status.success()), "it does not serve what it cannot keep");
    assert!(!said.contains("panicked") && said.to_lowercase().contains("read-only"), "{said}");
    // Nothing was lost by it.
    let server = Server::start_quietly(dir.path(), "always", "");
    assert_eq!(subjects(&server), [1]);
}

#[test]
fn a_damaged_message_is_refused_alone_and_served_again_once_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_quietly(dir.path(), "always", "");
    let mut c = imap(&server);
    for i in 1..=3 {
        assert!(append(&mut c, &message(i, 300_000)).starts_with("t OK"));
    }
    let files = bodies(dir.path());
    assert!(files.len() >= 3, "large messages are files: {files:?}");
    let damaged = &files[1];
    let whole = fs::read(damaged).unwrap();
    let check = || binary().args(["store", "check", "--config"]).arg(&server.config).output().unwrap();
    for damage in ["cut", "gone", "empty", "grown", "altered"] {
        match damage {
            "cut" => fs::write(damaged, &whole[..whole.len() / 2]).unwrap(),
            "gone" => fs::remove_file(damaged).unwrap(),
            "empty" => fs::write(damaged, b"").unwrap(),
            // Of the length it should have: what a disk did to it is for the check to find, which reads everything.
            "altered" => {
                fs::write(damaged, [&whole[..1000], &[whole[1000] ^ 1], &whole[1001..]].concat()).unwrap()
            }
            _ => fs::write(damaged, [&whole[..], b"more"].concat()).unwrap(),
        }
        // By IMAP and by POP3: each message in a connection of its own, since one that cannot be sent to its end must end its connection.
        let (mut fetched, mut retrieved) = (Vec::new(), Vec::new());
        for n in 1..=3 {
            let mut c = imap(&server);
            c.write(format!("t FETCH {n} BODY.PEEK[]\r\nu NOOP\r\n").as_bytes());
            let mut said = String::new();
            while let Some(line) = c.line() {
                said.push_str(&line);
                said.push_str("\r\n");
                if line.starts_with("u ") {
                    break;
                }
            }
            let is_whole = (1..=3).any(|i| said.contains(&message(i, 300_000)));
            assert!(
                is_whole || !said.contains("\r\nt OK") || damage == "altered",
                "{damage} {n}: OK for half a message"
            );
            fetched.push(is_whole);
            let mut c = server.connect_plain("pop3");
            c.line().unwrap();
            c.pop3("USER alice@example.test");
            c.pop3(&format!("PASS {ALICE}"));
            c.write(format!("RETR {n}\r\n").as_bytes());
            let (mut ended, mut octets) = (false, 0);
            while let Some(line) = c.line() {
                octets += line.len();
                if line == "." {
                    ended = true;
                    break;
                }
                if line.starts_with("-ERR") {
                    break;
                }
            }
            retrieved.push(ended && octets > 300_000);
            assert!(!ended || octets > 300_000, "{damage} {n}: half a message with its end");
        }
        println!("{damage}: fetched {fetched:?}, retrieved {retrieved:?}");
        // What grew holds all that it should.
        let others = fetched.iter().filter(|whole| **whole).count();
        assert!(
            others >= 2 && retrieved.iter().filter(|whole| **whole).count() >= 2,
            "the others are served: {fetched:?} {retrieved:?}"
        );
        assert!(damage == "grown" || others == 2);
        // The check finds it, beside the server that runs.
        let found = check();
        let said = String::from_utf8_lossy(&found.stdout).into_owned();
        println!("{damage}: {said}");
        assert!(found.status.code() == Some(3) && said.contains("body "), "{damage}: {said}");
        fs::write(damaged, &whole).unwrap();
        assert!(check().status.success(), "{damage}: whole again");
        assert_eq!(subjects(&server), [1, 2, 3], "{damage}: whole again");
        let mut c = imap(&server);
        let said = c.imap("FETCH 1:3 BODY.PEEK[]");
        assert!((1..=3).all(|i| said.contains(&format!("Subject: {i}"))) && said.contains("t OK"));
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn without_descriptors_connections_wait_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = start_after(dir.path(), false, "ulimit -n 90") else { return };
    let mut c = imap(&server);
    for i in 0..3 {
        assert!(append(&mut c, &message(i, 300_000)).starts_with("t OK"));
    }
    // All descriptors there are.
    let address = ("127.0.0.1", server.port("imap"));
    let held: Vec<_> = (0..120).map(|_| TcpStream::connect(address).unwrap()).collect();
    eventually("there are no descriptors", || {
        let n = server.descriptors();
        if n >= 88 { Ok(()) } else { Err(format!("{n} descriptors")) }
    });
    // Who is there is served as far as it goes: refused in words, or done.
    let mut kept = vec![0, 1, 2];
    for i in 3..8 {
        let answer = append(&mut c, &message(i, 300_000));
        assert!(answer.starts_with("t OK") || answer.starts_with("t NO"), "{answer}");
        if answer.starts_with("t OK") {
            kept.push(i);
        }
    }
    println!("{} of 5 messages were taken without descriptors", kept.len() - 3);
    let noop = c.imap("NOOP");
    assert!(noop.contains("t OK"), "{noop}");
    drop(held);
    eventually("a message is taken again", || {
        let answer = append(&mut c, &message(100, 300_000));
        if answer.starts_with("t OK") { Ok(()) } else { Err(answer) }
    });
    kept.push(100);
    eventually("and others come in", || {
        let n = subjects(&server);
        if n == kept { Ok(()) } else { Err(format!("{n:?} for {kept:?}")) }
    });
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
