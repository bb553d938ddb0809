//! The replay itself: it takes what is right in every form, and can fail.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/dialogue.rs"]
mod dialogue;

#[test]
fn a_whole_connection() {
    dialogue::greeted(
        r"
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready
        C: a1 STARTTLS
        S: a1 OK begin
        C: a2 CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
        S: a2 OK done
        C: a3 AUTHENTICATE PLAIN
        S: + 
        C: AGEAYg==
        S: a3 OK [CAPABILITY IMAP4rev1 MULTIAPPEND] in
        C: a4 LIST {3}
        S: + go on
        C: a b {1}
        S: + go on
        C: *
        S: * LIST () NIL INBOX
        S: a4 OK done
        C: a5 APPEND INBOX (\Seen $x) {5}
        S: + go on
        C: ab
        C> c
        C:  {2}
        S: + go on
        C: de
        S: a5 OK [APPENDUID 1 2:3] done
        C: a6 SELECT INBOX
        S: * 2 EXISTS
        S: a6 OK [READ-WRITE] done
        C: a7 IDLE
        S: + idling
        S: * 3 EXISTS
        C: DONE
        S: a7 OK done
        C: b8 NOOP
        C: a8 UID FETCH 1:*
           (BODY.PEEK[] FLAGS)
        S: b8 OK done
        S: * 2 FETCH (UID 7 BODY[] {3}
        S> abc
        S:  FLAGS (\Seen))
        S: a8 OK done
        C: a9 LOGOUT
        S: * BYE so long
        S: a9 OK done
        ",
    )
    .replay()
    .commands(&[
        "Answered(Done(StartTls))",
        "Answered(Done(Capability))",
        "Auth {",
        "AuthResponse",
        "Command(List",
    ])
    .commands(&["AppendBegin", "chunk ab\\r\\nc", "AppendNext", "chunk de", "AppendEnd", "Command(Select"])
    .commands(&["IdleDone", "Command(NOOP)", "Command(Fetch", "Command(LOGOUT)"])
    .heard(&[
        "Greeting",
        "challenge ",
        "Done { tag: Tag(4)",
        "Response(List",
        "AppendReady",
        "AppendReady",
        "Done",
    ])
    .heard(&["Idling", "Response(Exists(3))", "FetchBegin { number: 2", "chunk abc", "FetchEnd"]);
}

#[test]
#[should_panic(expected = "is not Tagged { tag: \"b\"")]
fn an_answer_that_differs_is_seen() {
    dialogue::selected("C: a EXPUNGE\nS: * 4 EXPUNGE\nS: b OK done\n").replay();
}

#[test]
#[should_panic(expected = "the script does not answer")]
fn a_command_without_an_answer_is_seen() {
    dialogue::selected("C: a EXPUNGE\nS: * 4 EXPUNGE\n").replay();
}

#[test]
#[should_panic(expected = "status: Bad, text: Unknown command } is not")]
fn what_is_no_command_is_seen() {
    dialogue::selected("C: a EXPONGE\nS: a OK what\n").replay();
}
