//! RFC 6856: UTF8 and LANG, where configured.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::{Host, play};

fn host() -> Host {
    Host::with(|c| {
        c.passwords = pop3_proto::Passwords::Always;
        c.utf8 = Some(true);
        c.lang = true;
    })
}

#[test]
fn section_2_and_3_commands() {
    let host = play(
        host,
        "S: +OK
         C: UTF8
         S: +OK
         C: LANG
         S: +OK Language listing follows:
         S: en English
         S: es Español
         S: .
         C: LANG es
         S= +OK es Idioma cambiado
         C: LANG MUL
         S: -ERR invalid language MUL
         C: LANG *
         S= +OK en Language changed
         C: CAPA
         S: +OK
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN DIGEST-MD5
         S: STLS
         S: UTF8 USER
         S: LANG
         S: .",
    );
    host.on_client_but(&[]);
    assert!(host.server.utf8());
}

/// Outlook sends UTF8 after PASS and gives up on -ERR.
#[test]
fn utf8_after_login_is_tolerated_and_strictly_refused() {
    play(
        host,
        "S: +OK\nC: USER mrose\nS: +OK\nC: PASS tanstaaf\nS: +OK\nC: UTF8\nS: +OK\nC: STAT\nS= +OK 2 320",
    )
    .on_client_but(&["UTF8"]);
    play(
        || {
            Host::with(|c| {
                c.passwords = pop3_proto::Passwords::Always;
                c.utf8 = Some(true);
                c.tolerance.late_utf8 = false;
            })
        },
        "S: +OK\nC: USER mrose\nS: +OK\nC: PASS tanstaaf\nS: +OK\nC: UTF8\nS: -ERR",
    )
    .on_client_but(&["UTF8"]);
}
