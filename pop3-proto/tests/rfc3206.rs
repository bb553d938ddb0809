//! RFC 3206: the response codes SYS and AUTH.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::{Host, play};
use pop3_proto::RespCode;

#[test]
fn section_5_only_credentials_are_refused_with_auth_and_never_at_user() {
    play(
        Host::plain,
        "S: +OK
         C: USER nobody
         S= +OK send PASS
         C: PASS x
         S: -ERR [AUTH]
         C: USER mrose
         S= +OK send PASS
         C: PASS x
         S: -ERR [AUTH]
         C: PASS x
         S: -ERR
         C: AUTH PLAIN ????
         S: -ERR",
    )
    .on_client_but(&["PASS x", "AUTH PLAIN ????"]);
}

#[test]
fn section_4_system_errors() {
    for (code, wire) in [
        (RespCode::SysTemp, "-ERR [SYS/TEMP] x\r\n"),
        (RespCode::SysPerm, "-ERR [SYS/PERM] x\r\n"),
        (RespCode::LoginDelay, "-ERR [LOGIN-DELAY] x\r\n"),
        (RespCode::Utf8, "-ERR [UTF8] x\r\n"),
    ] {
        let mut host = Host::plain();
        host.refuse = Some((Some(code), "x"));
        host.feed(b"USER mrose\r\n");
        assert_eq!(String::from_utf8(host.feed(b"PASS tanstaaf\r\n")).unwrap(), wire);
    }
}
