//! Hostile octets in every argument of every command.

use crate::ground::{Ground, IMAP, POP3, SUBMISSION};

/// What stands in the place of an argument.
fn arguments() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &b"\0"[..],
        b"a\0b",
        b"\x80",
        b"\xff\xfe",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\x1b[2J",
        b"\x7f",
        b"\t",
        b"a\rb",
        b"\r",
        b"a\nb",
        b"\n",
        b"\r\r\n\n",
        b"%n%s",
        b"{",
        b"}",
        b"{0}",
        b"{-1}",
        b"{1",
        b"\"",
        b"\"\\",
        b"\"a\0\"",
        b"\"\xff\"",
        b"(",
        b")",
        b"((",
        b"[",
        b"]",
        b"*",
        b"%",
        b"&",
        b"&AAA-",
        b"<",
        b"<>",
        b"<<",
        b">",
        b"=",
        b"+",
        b"-1",
        b"NIL",
        b"\\",
        b"\\Seen",
        b"~{1}",
        b" ",
        b"",
    ]
    .map(<[u8]>::to_vec)
    .into();
    all.push(vec![b'A'; 10_000]);
    all.push(vec![0xff; 10_000]);
    all
}

const COMMANDS: &[(&str, &[&str])] = &[
    (
        IMAP,
        &[
            "?",
            "? NOOP",
            "t ?",
            "t LOGIN ? x",
            "t LOGIN x ?",
            "t AUTHENTICATE ?",
            "t AUTHENTICATE PLAIN ?",
            "t ENABLE ?",
            "t ID ?",
            "t AUTHENTICATE PLAIN\r\n?",
            "t SELECT ?",
            "t EXAMINE ?",
            "t SELECT x (QRESYNC ?)",
            "t CREATE ?",
            "t CREATE x (USE ?)",
            "t DELETE ?",
            "t RENAME ? x",
            "t RENAME x ?",
            "t SUBSCRIBE ?",
            "t UNSUBSCRIBE ?",
            "t LIST ? x",
            "t LIST \"\" ?",
            "t LIST (?) \"\" *",
            "t LIST \"\" * RETURN (?)",
            "t LSUB \"\" ?",
            "t LSUB ? x",
            "t STATUS ? (MESSAGES)",
            "t STATUS INBOX (?)",
            "t APPEND ? {1+}\r\nx",
            "t APPEND INBOX (?) {1+}\r\nx",
            "t APPEND INBOX ? {1+}\r\nx",
            "t FETCH ? FLAGS",
            "t FETCH 1 ?",
            "t FETCH 1 (?)",
            "t FETCH 1 BODY[?]",
            "t FETCH 1 BODY[HEADER.FIELDS (?)]",
            "t FETCH 1 BODY[]<?>",
            "t UID FETCH 1 FLAGS (CHANGEDSINCE ?)",
            "t STORE ? FLAGS x",
            "t STORE 1 FLAGS (?)",
            "t STORE 1 ? (x)",
            "t COPY ? x",
            "t COPY 1 ?",
            "t MOVE 1 ?",
            "t SEARCH ?",
            "t SEARCH SUBJECT ?",
            "t SEARCH HEADER ? ?",
            "t SEARCH CHARSET ? ALL",
            "t SEARCH SINCE ?",
            // Whatever of these is served, and what is not is refused.
            "t SORT (?) UTF-8 ALL",
            "t SORT (DATE) ? ALL",
            "t THREAD ? UTF-8 ALL",
            "t ESEARCH IN (?) ALL",
            "t NOTIFY SET (?)",
            "t GETMETADATA ? /shared/comment",
            "t GETMETADATA (?) \"\" /shared/comment",
            "t SETMETADATA INBOX (? x)",
            "t SETMETADATA INBOX (/shared/comment ?)",
            "t GETQUOTA ?",
            "t SETQUOTA ? (STORAGE ?)",
            "t GETQUOTAROOT ?",
            "t GETACL ?",
            "t SETACL INBOX ? ?",
            "t LISTRIGHTS ? ?",
            "t REPLACE ? INBOX {1+}\r\nx",
            "t APPEND INBOX CATENATE (?)",
            "t GENURLAUTH ? INTERNAL",
            "t URLFETCH ?",
            "t RESETKEY ? ?",
            "t CANCELUPDATE ?",
            "t SEARCH RETURN (?) ALL",
            "t SEARCH KEYWORD ?",
            "t UID COPY ? ?",
            "t UID STORE ? FLAGS ?",
            "t UID MOVE ? x",
            "t UID EXPUNGE ?",
            "t COMPRESS ?",
            "t IDLE\r\n?",
        ],
    ),
    (
        POP3,
        &[
            "?",
            "USER ?",
            "PASS ?",
            "APOP ? ?",
            "APOP x ?",
            "AUTH ?",
            "AUTH PLAIN ?",
            "AUTH PLAIN\r\n?",
            "LIST ?",
            "UIDL ?",
            "RETR ?",
            "TOP ? 1",
            "TOP 1 ?",
            "DELE ?",
            "UTF8 ?",
            "LANG ?",
            "CAPA ?",
            "NOOP ?",
            "STLS ?",
        ],
    ),
    (
        SUBMISSION,
        &[
            "?",
            "EHLO ?",
            "HELO ?",
            "MAIL FROM:?",
            "MAIL FROM:<?>",
            "MAIL FROM:<?@example.test>",
            "MAIL FROM:<alice@?>",
            "MAIL FROM:<alice@example.test> ?",
            "MAIL FROM:<alice@example.test> SIZE=?",
            "MAIL FROM:<alice@example.test> BODY=?",
            "MAIL FROM:<alice@example.test> AUTH=?",
            "MAIL FROM:<alice@example.test> RET=?",
            "MAIL FROM:<alice@example.test> ENVID=?",
            "MAIL FROM:<alice@example.test> HOLDFOR=?",
            "MAIL FROM:<alice@example.test> BY=?",
            "MAIL FROM:<alice@example.test> MT-PRIORITY=?",
            "RCPT TO:?",
            "RCPT TO:<?>",
            "RCPT TO:<\"?\"@example.test>",
            "RCPT TO:<bob@example.test> NOTIFY=?",
            "RCPT TO:<bob@example.test> ORCPT=?",
            "AUTH ?",
            "AUTH PLAIN ?",
            "AUTH PLAIN\r\n?",
            "VRFY ?",
            "EXPN ?",
            "HELP ?",
            "NOOP ?",
            "BDAT ?",
            "BURL ?",
            "XCLIENT ?",
            "DATA ?",
            "RSET ?",
            "STARTTLS ?",
        ],
    ),
];

/// What no answer has outside a literal: NUL, and a CR or LF of its own.
fn broken(said: &[u8]) -> Option<usize> {
    said.iter().enumerate().position(|(i, octet)| match octet {
        0 => true,
        b'\r' => said.get(i + 1).is_some_and(|next| *next != b'\n'),
        b'\n' => i == 0 || said[i - 1] != b'\r',
        _ => false,
    })
}

/// Each argument in each place, before login and after. What counts is that the server answers or ends the connection, and goes on.
#[test]
fn hostile_octets_in_every_argument_are_answered_or_end_the_connection() {
    let mut ground = Ground::new();
    let mut ended = 0;
    for (service, templates) in COMMANDS {
        for argument in arguments() {
            // So few that wrong commands alone do not end the connection.
            for (i, some) in templates.chunks(18).enumerate() {
                // Logging in takes time: every third after login.
                let mut raw = if i % 3 == 1 { ground.alice(service) } else { ground.raw(service) };
                for template in some {
                    let mut parts = template.split('?');
                    let mut line = parts.next().unwrap().as_bytes().to_vec();
                    for part in parts {
                        line.extend_from_slice(&argument);
                        line.extend_from_slice(part.as_bytes());
                    }
                    line.extend_from_slice(b"\r\n");
                    if !raw.send(&line) {
                        break;
                    }
                }
                // Out of whatever it is in: IDLE, a literal, content, an exchange.
                raw.send("\r\n.\r\nDONE\r\n*\r\nRSET\r\nzz LOGOUT\r\nQUIT\r\n");
                raw.half_close();
                let said = raw.octets();
                // What a client sent comes back, if it does, as octets of a line: it begins none.
                assert_eq!(
                    broken(&said),
                    None,
                    "{service} {:?}: {}",
                    argument.escape_ascii().to_string(),
                    said.escape_ascii()
                );
                ended += 1;
            }
        }
        ground.serves();
    }
    println!("{ended} connections");
    ground.held(48);
}

/// A bare CR or LF ends no content of SMTP, and a bare CR no line of IMAP: what stands behind it is no command. (A line of IMAP may end with
/// LF alone; that is so for whoever reads it, and hides nothing.)
#[test]
fn a_bare_line_end_smuggles_no_command() {
    let ground = Ground::new();
    for end in ["\n", "\r", "\n\r", "\r\r\n"] {
        let mut raw = ground.alice(SUBMISSION);
        // Content that seems to end, and a second message behind it.
        let inner = format!(
            "a{end}.{end}MAIL FROM:<alice@example.test>{end}RCPT TO:<bob@example.test>{end}DATA{end}smuggled"
        );
        raw.send("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
        raw.until(b"\r\n354");
        raw.send(format!("Subject: x\r\n\r\n{inner}\r\n.\r\nQUIT\r\n"));
        let said = raw.end();
        let accepted = said.matches("250 2.0.0 kept").count();
        assert!(accepted <= 1 && said.matches("354").count() == 1, "{end:?}: {said}");

        let mut raw = ground.alice(IMAP);
        let name = format!("smuggled{}", end.len() + 2 * usize::from(end.contains('\n')));
        raw.send(format!("a NOOP{end}b CREATE {name}\r\nc LIST \"\" {name}\r\nd LOGOUT\r\n"));
        let said = raw.end();
        let made = said.contains("b OK") || said.contains("* LIST");
        assert!(!made || end.contains('\n'), "{end:?}: {said}");
        assert!(said.contains("a OK") || said.contains("a BAD"), "{end:?}: {said}");
        // Nor is it one that ends an argument in quotes.
        let mut raw = ground.alice(IMAP);
        raw.send(format!("a CREATE \"x{end}b CREATE {name}q\"\r\nc LIST \"\" {name}q\r\nd LOGOUT\r\n"));
        let said = raw.end();
        assert!(!said.contains("a OK"), "{end:?}: {said}");
        assert!(!said.contains("* LIST") || end.contains('\n'), "{end:?}: {said}");
    }
    // A bare CR ends no command of POP3 and of SMTP; with a bare LF it is the same, or the line is refused as a whole.
    for end in ["\r", "\r\r"] {
        let mut raw = ground.alice(POP3);
        raw.send(format!("NOOP{end}STAT\r\nUIDL x{end}STAT\r\nQUIT\r\n"));
        let said = raw.end();
        assert!(!said.contains("+OK 0 0"), "{end:?}: {said}");
        let mut raw = ground.alice(SUBMISSION);
        raw.send(format!(
            "NOOP{end}MAIL FROM:<alice@example.test>\r\nMAIL FROM:<alice@example.test>{end}RCPT TO:<bob@example.test>\r\nQUIT\r\n"
        ));
        let said = raw.end();
        assert!(!said.contains("250 2.1.0") && !said.contains("250 2.1.5"), "{end:?}: {said}");
    }
    // In a chunk a bare line end is content, and refused as that: RFC 5322 section 2.3 has none.
    for end in ["\n", "\r"] {
        let mut raw = ground.alice(SUBMISSION);
        let content = format!("Subject: x\r\n\r\na{end}.{end}MAIL FROM:<alice@example.test>{end}");
        raw.send("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\n");
        raw.send(format!("BDAT {} LAST\r\n{content}QUIT\r\n", content.len()));
        let said = raw.end();
        // MAIL's own, and no other.
        assert_eq!(said.matches("250 2.1.0").count(), 1, "{end:?}: {said}");
        assert!(said.contains("221 "), "{end:?}: {said}");
    }
    // Nothing of it reached bob.
    let mut bob = ground.server.connect("imaps");
    bob.line().unwrap();
    bob.imap(&format!("LOGIN bob@example.test {}", crate::support::BOB));
    assert!(bob.imap("STATUS INBOX (MESSAGES)").contains("(MESSAGES 0)"));
    drop(bob);
    ground.held(16);
}
