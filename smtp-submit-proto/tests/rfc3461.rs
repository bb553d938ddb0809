//! RFC 3461: DSN.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, replay};
use smtp_submit_proto::{Command, Notify, Ret, Rules};

/// Section 10.1 (Alice's submission) and 5.
#[test]
fn the_parameters_are_taken() {
    let mut config = open_config();
    config.dsn = true;
    let mut host = Host::new(config);
    replay(
        &mut host,
        "S: 220*
         C: EHLO Example.ORG
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250-DSN
         S: 250 ENHANCEDSTATUSCODES
         C: MAIL FROM:<Alice@Example.ORG> RET=HDRS ENVID=QQ314159
         S: 250*
         C: RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM
         S: 250*
         C: RCPT TO:<Carol@Ivory.EDU> NOTIFY=FAILURE ORCPT=rfc822;Carol@Ivory.EDU
         S: 250*
         C: RCPT TO:<Dana@Ivory.EDU> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.EDU
         S: 250*
         C: RCPT TO:<Eric@Bombs.AF.MIL> NOTIFY=FAILURE ORCPT=rfc822;Eric@Bombs.AF.MIL
         S: 250*
         C: RCPT TO:<Fred@Bombs.AF.MIL> NOTIFY=NEVER
         S: 250*
         C: RCPT TO:<George@Tax-ME.GOV> NOTIFY=FAILURE ORCPT=rfc822;George+25@Tax-ME.GOV
         S: 250*
         C: RCPT TO:<x@y> NOTIFY=NEVER,SUCCESS
         S: 501 5.5.4*
         C: RCPT TO:<x@y> ORCPT=x
         S: 501 5.5.4*
         C: RCPT TO:<x@y> NOTIFY=NEVER NOTIFY=NEVER
         S: 501 5.5.4*",
    );
    host.on_client_but(&[
        "RCPT TO:<x@y> NOTIFY=NEVER,SUCCESS",
        "RCPT TO:<x@y> ORCPT=x",
        "RCPT TO:<x@y> NOTIFY=NEVER NOTIFY=NEVER",
    ]);
}

#[test]
fn they_have_types_and_are_written_back() {
    let rules = Rules::all();
    let Ok(Command::Mail(_, p)) = Command::parse(b"MAIL FROM:<a@b> ret=full envid=a+2Bb", &rules) else {
        panic!()
    };
    assert_eq!((p.ret, p.envid.unwrap().decoded().unwrap().as_ref()), (Some(Ret::Full), "a+b"));
    let wire = b"RCPT TO:<a@b> NOTIFY=FAILURE,DELAY ORCPT=rfc822;Bob+2Bx@Ivory.EDU\r\n";
    let Ok(command @ Command::Rcpt(_, p)) = Command::parse(wire, &rules) else { panic!() };
    assert_eq!(p.notify, Some(Notify { success: false, failure: true, delay: true }));
    assert_eq!(p.orcpt.unwrap().address().unwrap().decoded().unwrap(), "Bob+x@Ivory.EDU");
    let mut out = vec![];
    command.encode(&mut out).unwrap();
    assert_eq!(out, wire);
}

#[test]
fn without_dsn_they_are_unknown() {
    let mut host = Host::new(open_config());
    host.say("EHLO x");
    host.expect("MAIL FROM:<a@b> RET=FULL", "555");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("RCPT TO:<a@b> NOTIFY=NEVER", "555");
}
