//! IMAP over TCP, where what counts is who waits for whom: clients that write before they read, searches that take long.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail"
)]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use support::{ALICE, Client, Server};

fn login(server: &Server) -> Client {
    let mut client = server.connect("imap");
    client.line().unwrap();
    assert!(client.imap(&format!("LOGIN alice \"{ALICE}\"")).contains("t OK"));
    client
}

/// A connection that is only a stream.
fn raw(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port("imap"))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(format!("l LOGIN alice \"{ALICE}\"\r\n").as_bytes()).unwrap();
    let mut got = Vec::new();
    while !got.windows(4).any(|w| w == b"l OK") || !got.ends_with(b"\r\n") {
        let mut octets = [0; 1024];
        let n = stream.read(&mut octets).unwrap();
        assert!(n > 0);
        got.extend_from_slice(&octets[..n]);
    }
    stream
}

/// Reads until this line begins one; all octets.
fn read_to(stream: &mut TcpStream, last: &str) -> Vec<u8> {
    let last = format!("\r\n{last}");
    let mut got = Vec::new();
    let mut octets = vec![0; 1 << 16];
    let mut from = 0;
    while !got[from..].windows(last.len()).any(|w| w == last.as_bytes()) {
        from = got.len().saturating_sub(last.len());
        let n = stream.read(&mut octets).unwrap();
        assert!(n > 0, "the connection ended");
        got.extend_from_slice(&octets[..n]);
    }
    got
}

/// The tagged answers, as far as they are lines that begin with the letter and a number.
fn tags(got: &[u8], letter: u8) -> Vec<usize> {
    got.split(|b| *b == b'\n')
        .filter_map(|line| line.strip_prefix(&[letter]))
        .filter_map(|line| std::str::from_utf8(line.split(|b| *b == b' ').next()?).ok()?.parse().ok())
        .collect()
}

#[test]
fn a_client_that_writes_megabytes_before_it_reads_gets_all_its_answers_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_quietly(dir.path(), "always", "");
    login(&server).imap("APPEND INBOX {14+}\r\nSubject: x\r\n\r\n");
    let mut stream = raw(&server);
    stream.write_all(b"s SELECT INBOX\r\n").unwrap();
    read_to(&mut stream, "s OK");
    let before = server.memory();
    // Each answer is longer than its command.
    let names = (0..150).map(|n| format!("X-Some-Field-{n}")).collect::<Vec<_>>().join(" ");
    let mut commands = Vec::new();
    let mut count = 0;
    while commands.len() < 5_000_000 {
        count += 1;
        commands.extend(format!("c{count} FETCH 1 BODY.PEEK[HEADER.FIELDS ({names})]\r\n").into_bytes());
    }
    stream.write_all(&commands).unwrap();
    let held = server.memory().saturating_sub(before);
    let got = read_to(&mut stream, &format!("c{count} OK"));
    assert_eq!(tags(&got, b'c'), (1..=count).collect::<Vec<_>>());
    assert!(got.len() > commands.len());
    println!("{} octets of commands, {} of answers, {held} KiB held meanwhile", commands.len(), got.len());
    assert!(held < 24 * 1024, "{held} KiB for one client that does not read");
}

#[test]
fn appends_sent_together_with_their_literals_are_answered_in_order_and_stored_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_quietly(dir.path(), "always", "");
    let mut stream = raw(&server);
    let body: String = (0..60_000).map(|n| format!("line {n}\r\n")).collect();
    let count = 12;
    let mut commands = b"s SELECT INBOX\r\n".to_vec();
    for n in 1..=count {
        let message = format!("Subject: {n}\r\n\r\n{body}");
        commands.extend(format!("c{n} APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()).into_bytes());
        // The answers to these are large, and nobody reads them yet.
        commands.extend(format!("d{n} FETCH {n} BODY.PEEK[]<0.200000>\r\n").into_bytes());
    }
    let before = server.memory();
    // Beyond what is taken ahead: somebody reads meanwhile.
    let mut reader = stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        read_to(&mut reader, &format!("d{count} "))
    });
    stream.write_all(&commands).unwrap();
    let got = reading.join().unwrap();
    let held = server.memory().saturating_sub(before);
    assert_eq!(tags(&got, b'c'), (1..=count).collect::<Vec<_>>());
    assert_eq!(tags(&got, b'd'), (1..=count).collect::<Vec<_>>());
    println!("{} octets of APPENDs, {held} KiB held", commands.len());
    assert!(held < 48 * 1024, "{held} KiB");
    let mut client = login(&server);
    client.imap("SELECT INBOX");
    for n in 1..=count {
        let size = format!("Subject: {n}\r\n\r\n{body}").len();
        assert!(client.imap(&format!("FETCH {n} RFC822.SIZE")).contains(&format!("RFC822.SIZE {size})")));
    }
}

#[test]
fn a_search_that_takes_long_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_quietly(dir.path(), "always", "");
    let mut client = login(&server);
    let line = "nothing of what is looked for stands in these lines, however many there are\r\n";
    let message = format!("Subject: long\r\n\r\n{}", line.repeat(15_000));
    client.write(format!("t APPEND INBOX {{{}+}}\r\n", message.len()).as_bytes());
    client.write(message.as_bytes());
    assert!(client.ask("", |l| l.starts_with("t ")).contains("t OK"));
    client.imap("SELECT INBOX");
    for _ in 0..4 {
        assert!(client.imap("COPY 1:* INBOX").contains("t OK"));
    }
    // More searches at once than this machine has processors.
    let mut searching: Vec<Client> = (0..6)
        .map(|_| {
            let mut searching = login(&server);
            searching.imap("SELECT INBOX");
            searching
        })
        .collect();
    let begun = Instant::now();
    for searching in &mut searching {
        searching.write(b"t SEARCH BODY \"not to be found\"\r\n");
    }
    let mut waits = Vec::new();
    let finished = std::thread::spawn(move || {
        for searching in &mut searching {
            let answer = searching.read_to(|l| l.starts_with("t "));
            assert!(answer.contains("* SEARCH\n"), "{answer}");
        }
        begun.elapsed()
    });
    while !finished.is_finished() {
        let asked = Instant::now();
        assert!(client.imap("NOOP").contains("t OK"));
        waits.push(asked.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = finished.join().unwrap();
    waits.sort_unstable();
    let worst = waits.last().unwrap();
    println!("the searches took {took:?}; {} NOOPs meanwhile, the slowest {worst:?}", waits.len());
    assert!(waits.len() > 5, "the searches were over too soon to say anything: {took:?}");
    assert!(*worst < took / 2, "a NOOP waited {worst:?} for a search");
    let _ = server;
}

#[test]
fn the_configuration_says_whether_headers_beyond_ascii_are_taken() {
    for (key, answer) in [("", "t OK"), ("[imap]\neight_bit_headers = false\n", "t NO [CANNOT]")] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start_quietly(dir.path(), "always", key);
        let mut client = login(&server);
        let message = "Subject: Gr\u{fc}\u{df}e\r\n\r\nx\r\n";
        let got = client.imap(&format!("APPEND INBOX {{{}+}}\r\n{message}", message.len()));
        assert!(got.contains(answer), "{key:?}: {got}");
        // RFC 6855 section 4
        assert!(client.imap("ENABLE UTF8=ACCEPT").contains("t OK"));
        let got = client.imap(&format!("APPEND INBOX UTF8 (~{{{}+}}\r\n{message})", message.len()));
        assert!(got.contains("t OK"), "{key:?}: {got}");
    }
}
