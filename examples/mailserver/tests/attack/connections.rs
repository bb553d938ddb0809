//! Many connections, slow ones, and those that are half gone.

use std::time::{Duration, Instant};

use crate::{
    ground::{Ground, IMAP, POP3, Raw, SUBMISSION, times},
    support::{ALICE, PATIENCE, base64},
};

/// Where a client can stop and say nothing more: service, whether alice is logged in, and its last words.
fn phases() -> Vec<(&'static str, bool, String)> {
    let plain = base64(format!("\0alice@example.test\0{ALICE}"));
    let mut all = Vec::new();
    for service in [IMAP, POP3, SUBMISSION, "imaps", "pop3s", "submissions"] {
        all.push((service, false, String::new()));
    }
    // Within a handshake.
    all.push(("imaps", false, "\x16\x03\x01\x02\0\x01\0".to_owned()));
    all.push(("submissions", false, "\x16".to_owned()));
    for words in [
        "a",
        "a LOGIN ",
        "a LOGIN {5}\r\nal",
        "a LOGIN {5+}\r\n",
        "a AUTHENTICATE PLAIN\r\n",
        "a AUTHENTICATE PLAIN\r\nAGE",
        "a STARTTLS\r\n",
    ] {
        all.push((IMAP, false, words.to_owned()));
    }
    for words in [
        "a IDLE\r\n",
        "a IDLE\r\nDO",
        "a APPEND INBOX {100}\r\n",
        "a APPEND INBOX {100}\r\nSubj",
        "a APPEND INBOX {9999999+}\r\nx",
        "a SEARCH TEXT {4}\r\nab",
        "a FETCH 1:* (",
    ] {
        all.push((IMAP, true, words.to_owned()));
    }
    for words in ["US", "USER alice@example.test\r\n", "AUTH PLAIN\r\n", "STLS\r\n"] {
        all.push((POP3, false, words.to_owned()));
    }
    all.push((POP3, true, "RETR".to_owned()));
    for words in [
        "EH",
        "EHLO x\r\n",
        "EHLO x\r\nAUTH PLAIN\r\n",
        "EHLO x\r\nAUTH LOGIN\r\nYWxpY2U=\r\n",
        "EHLO x\r\nSTARTTLS\r\n",
    ] {
        all.push((SUBMISSION, false, words.to_owned()));
    }
    let begin = format!("EHLO x\r\nAUTH PLAIN {plain}\r\nMAIL FROM:<alice@example.test>\r\n");
    for words in [
        "",
        "RCPT TO:<bob@example.test>\r\n",
        "RCPT TO:<bob@example.test>\r\nDATA\r\n",
        "RCPT TO:<bob@example.test>\r\nDATA\r\nSubj",
        "RCPT TO:<bob@example.test>\r\nDATA\r\nx\r\n.",
        "RCPT TO:<bob@example.test>\r\nBDAT 1000\r\nx",
    ] {
        all.push((SUBMISSION, false, format!("{begin}{words}")));
    }
    all
}

fn begin(ground: &Ground, (service, logged_in, words): &(&str, bool, String)) -> Raw {
    let mut raw = if *logged_in { ground.alice(service) } else { ground.raw(service) };
    raw.send(words);
    raw
}

#[test]
fn slow_clients_in_every_phase_hold_nobody_up() {
    let mut ground = Ground::new();
    let mut held = Vec::new();
    for phase in phases() {
        // POP3 opens a maildrop once; the others come more often.
        let n = if phase.0 == POP3 && phase.1 { 1 } else { 4 };
        held.extend((0..n).map(|_| begin(&ground, &phase)));
    }
    println!("{} clients wait in {} phases: {} KiB more", held.len(), phases().len(), ground.growth());
    ground.serves();
    // And one octet at a time.
    let end = Instant::now() + Duration::from_secs(1);
    while Instant::now() < end {
        for raw in &mut held {
            raw.send("x");
        }
        ground.serves();
    }
    drop(held);
    ground.held(64);
}

#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    let mut ground = Ground::new();
    let mut raw = ground.alice(IMAP);
    let message = "Subject: x\r\n\r\n".to_owned() + &"y".repeat(2_000_000);
    for _ in 0..4 {
        raw.send(format!("a APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()));
        raw.until(b"a OK");
        raw.said.clear();
    }
    let mut held = Vec::new();
    for _ in 0..6 {
        let mut raw = ground.alice(IMAP);
        // Five times eight megabytes each.
        raw.send("b FETCH 1:* BODY.PEEK[]\r\n".repeat(5));
        held.push(raw);
    }
    let mut reader = ground.alice(POP3);
    reader.send("RETR 1\r\nRETR 2\r\nRETR 3\r\n".repeat(5));
    held.push(reader);
    // Commands alone, whose answers nobody reads.
    let mut flood = ground.raw(IMAP);
    flood.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    while flood.send("a CAPABILITY\r\n".repeat(1000)) {}
    for _ in 0..5 {
        ground.serves();
        assert!(ground.growth() < 64 * 1024, "{} KiB", ground.growth());
    }
    drop((held, flood, raw));
    ground.held(64);
}

#[test]
fn a_client_that_says_no_more_still_hears_its_answers_and_stores_nothing_by_halves() {
    let mut ground = Ground::new();
    for phase in phases() {
        let mut raw = begin(&ground, &phase);
        raw.half_close();
        // The server must come to its end by itself.
        let said = raw.end();
        assert!(!said.contains("250 2.0.0 kept") && !said.contains("APPENDUID"), "{phase:?}: {said}");
    }
    // Whoever has said all it has to say is answered.
    let mut raw = ground.alice(IMAP);
    raw.send("a CREATE box\r\nb STATUS INBOX (MESSAGES)\r\nc NOOP\r\n");
    raw.half_close();
    let said = raw.end();
    assert!(said.contains("a OK") && said.contains("(MESSAGES 0)") && said.contains("c OK"), "{said}");
    let mut raw = ground.alice(SUBMISSION);
    raw.send("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nx\r\n.\r\n");
    raw.half_close();
    let said = raw.end();
    assert!(said.contains("250 2.0.0 kept"), "{said}");
    ground.serves();
    ground.held(32);
}

#[test]
fn a_flood_of_connections_is_refused_in_words_and_passes() {
    let mut ground = Ground::with("always", "[limits]\nconnections = 300\n");
    let mut held: Vec<_> = (0..290).map(|i| ground.raw([IMAP, POP3, SUBMISSION, "imaps"][i % 4])).collect();
    let mut refused = Vec::new();
    for (service, words) in [(IMAP, "* BYE"), (POP3, "-ERR [SYS/TEMP]"), (SUBMISSION, "421 4.7.0")] {
        // Until there is no place any more.
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let mut raw = ground.raw(service);
            if raw.until_or_end(b"\r\n") && raw.said.starts_with(words.as_bytes()) {
                refused.push(raw.end());
                break;
            }
            held.push(raw);
            assert!(Instant::now() < end && held.len() < 400, "{} connections, and none refused", held.len());
        }
    }
    println!("{} held, refused: {refused:?}; {} KiB more", held.len(), ground.growth());
    // Who is there goes on being served.
    let answered = Instant::now();
    drop(held.drain(..60));
    // Their places are free once the server has seen it.
    while !ground.has_place() {
        assert!(answered.elapsed() < PATIENCE, "no place becomes free");
        std::thread::sleep(Duration::from_millis(20));
    }
    ground.serves();
    drop(held);
    println!("others were served within {:?}", answered.elapsed());
    // Connections that come and go at once.
    for _ in 0..times(1000) {
        drop(ground.raw(IMAP));
    }
    ground.held(64);
}
