use crate::support::Server;

const MESSAGE: &str = "From: Anna <anna@example.test>\r\nTo: friends: bob@x, \"C, D\" <c@d>;\r\nSubject: =?utf-8?q?Gr=C3=BC?=\r\n \
    folded\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nMessage-ID: <1@example.test>\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\npreamble\r\n--b 1\r\n\r\nplain text\r\n--b 1\r\n\
    Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <part2>\r\n\
    Content-Disposition: attachment; filename=x.html\r\nContent-Language: de, en\r\n\r\nPGI+\r\nPC9iPg==\r\n--b 1\r\n\
    Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: in@ner\r\n\r\ninner body\r\nline 2\r\n\r\n--b 1--\r\n";

async fn body(client: &mut crate::support::Client, section: &str) -> Option<String> {
    let line = client.ok(&format!("FETCH 1 BODY.PEEK{section}")).await.remove(0);
    // The answer names the offset alone.
    let name = match section.split_once('<') {
        Some((s, p)) => format!("{s}<{}>", p.split_once('.').unwrap().0),
        None => section.to_owned(),
    };
    let value = line.strip_prefix(&format!("* 1 FETCH (BODY{name} ")).unwrap_or_else(|| panic!("{line}"));
    let value = value.strip_suffix(')').unwrap();
    if value == "NIL" {
        return None;
    }
    let (len, octets) = value.strip_prefix('{').unwrap().split_once("}\r\n").unwrap();
    assert_eq!(len.parse::<usize>().unwrap(), octets.len());
    Some(octets.to_owned())
}

#[tokio::test]
async fn every_section_is_the_octets_it_names() {
    let server = Server::new();
    let mut client = server.select().await;
    client.append("INBOX", MESSAGE).await;
    let (header, text) = MESSAGE.split_once("\r\n\r\n").unwrap();
    let header = format!("{header}\r\n\r\n");
    let inner_text = "inner body\r\nline 2\r\n";
    for (section, expected) in [
        ("[]", Some(MESSAGE)),
        ("[HEADER]", Some(header.as_str())),
        ("[TEXT]", Some(text)),
        ("[1]", Some("plain text")),
        ("[1.MIME]", Some("\r\n")),
        ("[2]", Some("PGI+\r\nPC9iPg==")),
        ("[3]", Some("Subject: inner\r\nFrom: in@ner\r\n\r\ninner body\r\nline 2\r\n")),
        ("[3.HEADER]", Some("Subject: inner\r\nFrom: in@ner\r\n\r\n")),
        ("[3.TEXT]", Some(inner_text)),
        ("[3.1]", Some(inner_text)),
        ("[3.MIME]", Some("Content-Type: message/rfc822\r\n\r\n")),
        ("[3.HEADER.FIELDS (FROM)]", Some("From: in@ner\r\n\r\n")),
        ("[4]", None),
        ("[1.1]", None),
        ("[HEADER.FIELDS (Message-ID X)]", Some("Message-ID: <1@example.test>\r\n\r\n")),
        ("[]<0.5>", Some("From:")),
        ("[]<5.3>", Some(" An")),
        ("[1]<6.100>", Some("text")),
        ("[1]<100.5>", Some("")),
        ("[TEXT]<0.8>", Some("preamble")),
    ] {
        assert_eq!(body(&mut client, section).await.as_deref(), expected, "{section}");
    }
    let not = client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (FROM TO SUBJECT DATE CONTENT-TYPE)]").await;
    assert!(not[0].contains("{51}\r\nMessage-ID: <1@example.test>\r\nMIME-Version: 1.0\r\n\r\n)"), "{not:?}");
    assert!(client.ok("FETCH 1 FLAGS").await[0].contains("FLAGS (\\Recent)"), "PEEK sets no \\Seen");
}

#[tokio::test]
async fn envelope_and_body_structure() {
    let server = Server::new();
    let mut client = server.select().await;
    client.append("INBOX", MESSAGE).await;
    let envelope = "ENVELOPE (\"Mon, 7 Feb 1994 21:52:25 -0800 (PST)\" \"=?utf-8?q?Gr=C3=BC?= folded\" \
        ((\"Anna\" NIL \"anna\" \"example.test\")) ((\"Anna\" NIL \"anna\" \"example.test\")) \
        ((\"Anna\" NIL \"anna\" \"example.test\")) \
        ((NIL NIL \"friends\" NIL)(NIL NIL \"bob\" \"x\")(\"C, D\" NIL \"c\" \"d\")(NIL NIL NIL NIL)) \
        NIL NIL NIL \"<1@example.test>\")";
    let structure = "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 0 NIL NIL NIL NIL)\
        (\"text\" \"html\" (\"charset\" \"utf-8\") \"<part2>\" NIL \"base64\" 14 1 NIL (\"attachment\" (\"filename\" \"x.html\")) (\"de\" \"en\") NIL)\
        (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 52 \
        (NIL \"inner\" ((NIL NIL \"in\" \"ner\")) ((NIL NIL \"in\" \"ner\")) ((NIL NIL \"in\" \"ner\")) NIL NIL NIL NIL NIL) \
        (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 20 2 NIL NIL NIL NIL) 5 NIL NIL NIL NIL) \
        \"mixed\" (\"boundary\" \"b 1\") NIL NIL NIL)";
    // The second time they come from what the store remembers.
    for _ in 0..2 {
        assert_eq!(client.ok("FETCH 1 ENVELOPE").await, [format!("* 1 FETCH ({envelope})")]);
        assert_eq!(
            client.ok("FETCH 1 BODYSTRUCTURE").await,
            [format!("* 1 FETCH (BODYSTRUCTURE {structure})")]
        );
        let short = client.ok("FETCH 1 BODY").await.remove(0);
        assert!(short.ends_with("20 2) 5) \"mixed\"))"), "{short}");
    }
    let line = client.ok("UID FETCH 1 FULL").await.remove(0);
    for item in ["UID 1 ", "FLAGS (\\Recent)", "INTERNALDATE \"", "RFC822.SIZE ", "ENVELOPE (", "BODY ("] {
        assert!(line.contains(item), "{item} in {line}");
    }
}

#[tokio::test]
async fn seen_is_set_by_reading_alone() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(4).await;
    let line = client.ok("FETCH 1 BODY[]").await.remove(0);
    assert!(line.ends_with(" FLAGS (\\Seen \\Recent))"), "{line}");
    let line = client.ok("FETCH 1 BODY[TEXT]").await.remove(0);
    assert!(!line.contains("FLAGS"), "only where it changes: {line}");
    assert!(client.ok("FETCH 2 RFC822.HEADER").await[0].starts_with("* 2 FETCH (RFC822.HEADER {14}\r\n"));
    assert_eq!(client.ok("FETCH 2 FLAGS").await, ["* 2 FETCH (FLAGS (\\Recent))"]);
    assert_eq!(
        client.ok("FETCH 2 (FLAGS RFC822.TEXT)").await,
        ["* 2 FETCH (FLAGS (\\Seen \\Recent) RFC822.TEXT {8}\r\nbody 2\r\n)"]
    );
    assert!(client.ok("FETCH 3 RFC822").await[0].starts_with("* 3 FETCH (RFC822 {22}\r\nSubject: 3\r\n"));
    client.ok("EXAMINE INBOX").await;
    let line = client.ok("FETCH 4 BODY[]").await.remove(0);
    assert!(!line.contains("FLAGS"), "not in a read-only mailbox: {line}");
    assert_eq!(client.ok("FETCH 4 FLAGS").await, ["* 4 FETCH (FLAGS ())"]);
}

#[tokio::test]
async fn large_messages_come_in_pieces_and_whole() {
    let server = Server::new();
    let mut client = server.select().await;
    let line = b"0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvw\r\n";
    let mut message =
        b"Subject: big\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\n".to_vec();
    let start = message.len();
    while message.len() < 3_000_000 {
        message.extend_from_slice(line);
    }
    let end = message.len();
    message.extend_from_slice(b"\r\n--bb\r\n\r\nsecond\r\n--bb--\r\n");
    let answer = client.append("INBOX", &message).await;
    assert!(answer.starts_with("OK"), "{answer}");
    client.send("a FETCH 1 (BODY.PEEK[1] BODY.PEEK[2] BODY.PEEK[])\r\n").await;
    let mut octets = client.octets().await;
    while octets.starts_with(b"* 1 EX") || octets.starts_with(b"* 1 RE") {
        octets = client.octets().await;
    }
    let part = &message[start..end];
    let expected = [
        format!("* 1 FETCH (BODY[1] {{{}}}\r\n", part.len()).into_bytes(),
        part.to_vec(),
        format!(" BODY[2] {{6}}\r\nsecond BODY[] {{{}}}\r\n", message.len()).into_bytes(),
        message.clone(),
        b")".to_vec(),
    ]
    .concat();
    assert!(octets == expected, "{} {}", octets.len(), expected.len());
    let structure = client.until("a ").await;
    assert!(structure.last().unwrap().starts_with("OK"));
    let line = client.ok("FETCH 1 BODYSTRUCTURE").await.remove(0);
    assert!(line.contains(&format!("\"7bit\" {} ", part.len())), "{line}");
    // As some clients do, piece by piece; the parts are not looked for each time.
    let mut gathered = String::new();
    while gathered.len() < 400_000 {
        let piece = body(&mut client, &format!("[1]<{}.50000>", gathered.len())).await.unwrap();
        gathered.push_str(&piece);
    }
    assert!(gathered.as_bytes() == &part[..gathered.len()]);
    assert_eq!(body(&mut client, "[2]").await.as_deref(), Some("second"));
}

#[tokio::test]
async fn sets_of_many_messages() {
    let server = Server::new();
    let mut client = server.select().await;
    client.fill(30).await;
    client.ok("NOOP").await;
    assert_eq!(client.ok("FETCH 1:* (UID FLAGS)").await.len(), 30);
    assert_eq!(client.ok("UID FETCH 1:4294967295 FLAGS").await.len(), 30);
    assert_eq!(client.ok("UID FETCH 100:* UID").await, ["* 30 FETCH (UID 30)"]);
    assert_eq!(client.ok("FETCH 20:10,30,5 BODY.PEEK[]").await.len(), 13);
    assert!(client.fails("FETCH 1:31 FLAGS").await.starts_with("BAD"));
    assert_eq!(client.ok("UID FETCH 77 FLAGS").await, [""; 0]);
}

#[tokio::test]
async fn binary_of_every_encoding() {
    let part = |encoding: &str, body: &str| {
        format!("--b\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n")
    };
    let parts = [
        ("base64", "aGVsbG8=", Some("hello")),
        ("BASE64", "aGVs\r\n bG8", Some("hello")),
        ("base64", "aGVs!bG8=aGk=\r\n==x=", Some("hellohi")),
        ("base64", "", Some("")),
        ("quoted-printable", "a=3Db=\r\nc=20", Some("a=bc ")),
        ("Quoted-Printable (folded)", "a=zz=3\r\n=", Some("a=zz=3\r\n")),
        // Text has the line ends of the Internet (RFC 9051 section 7.5.2), a picture its octets.
        ("base64", "YQpiDQpj", Some("a\r\nb\r\nc")),
        ("quoted-printable", "a=0Ab=0D\r\n", Some("a\r\nb\r\r\n")),
        ("base64\r\nContent-Type: image/x-a", "YQpi", Some("a\nb")),
        ("base64\r\nContent-Type: text/plain; charset=utf-16", "CgoKYQ==", Some("\n\n\na")),
        ("8bit", "Gr\u{fc}\u{df}e", Some("Gr\u{fc}\u{df}e")),
        ("binary", "a\r\nb", Some("a\r\nb")),
        ("x-uuencode", "begin 644 x\r\nend", None),
        ("=?", "x", None),
    ];
    let body: String = parts.iter().map(|(encoding, body, _)| part(encoding, body)).collect();
    let message = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}--b--\r\n");
    let server = Server::new();
    let mut client = server.select().await;
    client.append("INBOX", &message).await;
    for (n, (encoding, text, decoded)) in (1..).zip(parts) {
        let size = client.run(&format!("FETCH 1 BINARY.SIZE[{n}]")).await;
        let octets = client.run(&format!("FETCH 1 BINARY.PEEK[{n}]")).await;
        let Some(decoded) = decoded else {
            // RFC 3516 section 4.3
            for answer in [size, octets] {
                assert!(answer[0].starts_with("NO [UNKNOWN-CTE]"), "{encoding}: {answer:?}");
            }
            continue;
        };
        assert_eq!(size[0], format!("* 1 FETCH (BINARY.SIZE[{n}] {})", decoded.len()), "{encoding} {text:?}");
        assert_eq!(octets[0], format!("* 1 FETCH (BINARY[{n}] ~{{{}}}\r\n{decoded})", decoded.len()));
        let some = client.ok(&format!("FETCH 1 BINARY.PEEK[{n}]<2.3>")).await;
        let there = decoded.as_bytes().get(2..decoded.len().min(5)).unwrap_or_default();
        let shown = String::from_utf8_lossy(there);
        assert_eq!(
            some[0],
            format!("* 1 FETCH (BINARY[{n}]<2> ~{{{}}}\r\n{shown})", there.len()),
            "{encoding}"
        );
    }
    assert_eq!(client.ok("FETCH 1 BINARY.PEEK[99]").await, ["* 1 FETCH (BINARY[99] NIL)"]);
    let line = client.ok("FETCH 1 BINARY[1]").await.remove(0);
    assert!(line.ends_with(" FLAGS (\\Seen \\Recent))"), "without PEEK it sets \\Seen: {line}");
}

#[tokio::test]
async fn partial_fetches_end_where_the_octets_end() {
    let server = Server::new();
    let mut client = server.select().await;
    client.append("INBOX", "Subject: x\r\nX-A: 1\r\n\r\n0123456789").await;
    for (section, expected) in [
        ("[TEXT]<0.10>", Some("0123456789")),
        ("[TEXT]<0.11>", Some("0123456789")),
        ("[TEXT]<9.1>", Some("9")),
        ("[TEXT]<9.4294967295>", Some("9")),
        ("[TEXT]<10.1>", Some("")),
        ("[TEXT]<4294967295.1>", Some("")),
        ("[1]<3.2>", Some("34")),
        ("[1.MIME]<0.7>", Some("Subject")),
        ("[HEADER]<18.100>", Some("\r\n\r\n")),
        ("[2]<0.1>", None),
    ] {
        assert_eq!(body(&mut client, section).await.as_deref(), expected, "{section}");
    }
    assert!(client.fails("FETCH 1 BODY[]<0.0>").await.starts_with("BAD"), "RFC 9051 section 9: nz-number");
}
