//! However the wire is cut, the events are the same.

use imap4_proto::{
    client::{Client, Config, Event},
    server::{self, Server},
};
use mail_wire::{Instant, Machine, Poll};
use proptest::prelude::*;

use crate::common::{Talk, config, trace};

/// Commands of all extensions, with literals of every kind.
const COMMANDS: &str = "a SORT RETURN (PARTIAL 1:2) (REVERSE DATE) {5+}\r\nUTF-8 FUZZY TEXT {3}\r\na)b\r\n\
    b THREAD REFERENCES x TEXT \"{5}\"\r\n\
    c SETMETADATA {1+}\r\nx (/a ~{2+}\r\n)( /b {3}\r\n\r\n/ /c NIL)\r\n\
    d APPEND x CATENATE (URL {3+}\r\nu/1 TEXT {4+}\r\n) b\r URL \"/TEXT (\" TEXT {1}\r\n)) CATENATE (URL a) (\\Seen) {2+}\r\n)\n\r\n\
    e UID REPLACE 5 {1}\r\nx CATENATE (UTF8 (~{2+}\r\n))) URL z)\r\n\
    f NOTIFY SET (mailboxes ({1+}\r\na b) NONE)\r\n\
    g ESEARCH IN (subtree {2}\r\nab) ALL\r\n\
    h SETACL x {4+}\r\nfred +lr\r\n\
    i GENURLAUTH {2+}\r\nuu INTERNAL\r\n\
    j URLFETCH CATENATE (TEXT {3+}\r\n\
    abc\r\n";

fn host(s: &mut Server, event: server::Event<'_>) {
    use server::Event as E;
    match event {
        E::Command(_) | E::AppendEnd => s.ok(None, "done").unwrap(),
        E::AppendBegin(_) | E::AppendPart(_) | E::AppendNext(_) => s.accept_literal().unwrap(),
        _ => {}
    }
}

fn commands(cuts: &[usize]) -> (Vec<String>, String) {
    trace(&|| Talk::logged_in(config(), true), COMMANDS.as_bytes(), cuts, &mut host)
}

/// Responses of all extensions, with literals buffered and streamed.
const RESPONSES: &str = "* PREAUTH hi\r\n* SORT 5 3 4 (MODSEQ 9)\r\n* THREAD (1 (2)(3))((4)(5))\r\n\
    * ESEARCH (TAG \"a\" MAILBOX {3}\r\na b UIDVALIDITY 4) UID PARTIAL (-1:-5 NIL) ADDTO (0 1:2) RELEVANCY (1 2)\r\n\
    * QUOTA {1}\r\nx (STORAGE 1 2)\r\n* QUOTAROOT x {3}\r\na\r\n\r\n* METADATA x (/a ~{2}\r\n)( /b {3}\r\n\r\n{)\r\n\
    * METADATA \"\" /a /b\r\n* ACL x {2}\r\nab lrs\r\n* LISTRIGHTS x y \"\" l r\r\n* MYRIGHTS x lrs\r\n\
    * 7 UIDFETCH (PREVIEW {3}\r\n)\r\n SAVEDATE NIL BODY[] {2}\r\n)( EMAILID (M1) THREADID NIL)\r\n\
    * 8 UIDFETCH (FLAGS ())\r\n* URLFETCH x {4}\r\na\r\nb y NIL\r\n* GENURLAUTH x {2}\r\nab\r\n\
    * JMAPACCESS \"https://x\"\r\n* OK [INPROGRESS (\"a\" 1 2)] {3}\r\n* NO [BADURL a{3}] x\r\n";

fn responses(cuts: &[usize]) -> Vec<String> {
    let mut client = Client::new(Config::default());
    let (mut input, mut heard): (Vec<u8>, Vec<String>) = (Vec::new(), Vec::new());
    let mut last = 0;
    for cut in cuts.iter().copied().chain([RESPONSES.len()]) {
        input.extend_from_slice(&RESPONSES.as_bytes()[last..cut]);
        last = cut;
        loop {
            match client.poll(&input, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    let frame: Vec<u8> = input.drain(..n).collect();
                    match (client.event(&frame), heard.last_mut()) {
                        (Event::FetchChunk(octets), Some(last)) if last.starts_with("chunk ") => {
                            last.push_str(&octets.escape_ascii().to_string());
                        }
                        (Event::FetchChunk(octets), _) => {
                            heard.push(format!("chunk {}", octets.escape_ascii()))
                        }
                        (event, _) => heard.push(format!("{event:?}")),
                    }
                }
                Poll::NeedInput { .. } => break,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(input.is_empty());
    heard
}

#[test]
fn the_wire_whole_and_octet_by_octet() {
    let (events, answers) = commands(&[]);
    assert!(!answers.contains("BAD") || answers.matches("BAD").count() == 1, "{answers}");
    assert_eq!(answers.matches(" OK ").count(), 9, "{answers}");
    let all: Vec<usize> = (1..COMMANDS.len()).collect();
    assert_eq!(commands(&all), (events, answers));
    let whole = responses(&[]);
    assert!(!whole.iter().any(|h| h.contains("Invalid") || h.contains("Other(")), "{whole:#?}");
    assert_eq!(responses(&(1..RESPONSES.len()).collect::<Vec<_>>()), whole);
}

#[test]
fn the_wire_cut_once_anywhere() {
    let (events, whole) = (commands(&[]), responses(&[]));
    for cut in 1..COMMANDS.len() {
        assert_eq!(commands(&[cut]), events, "cut at {cut}");
    }
    for cut in 1..RESPONSES.len() {
        assert_eq!(responses(&[cut]), whole, "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_wire_cut_at_random(mut cuts in proptest::collection::vec(1..COMMANDS.len(), 1..9)) {
        cuts.sort_unstable();
        prop_assert_eq!(commands(&cuts), commands(&[]));
        let cuts: Vec<usize> = cuts.iter().map(|c| c % RESPONSES.len()).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|c| *c > 0).collect();
        cuts.sort_unstable();
        prop_assert_eq!(responses(&cuts), responses(&[]));
    }
}
