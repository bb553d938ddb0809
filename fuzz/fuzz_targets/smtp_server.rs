//! Raw octets into the submission server machine, in each of its states.
#![no_main]
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::Machine;
use smtp_submit_proto::{BareNewlines, Config, Event, Mechanism, Server, status};

/// Whether a login is wanted, and what was said so far.
const STARTS: &[(bool, &str)] = &[
    (true, ""),
    (true, "EHLO x\r\n"),
    (true, "EHLO x\r\nAUTH PLAIN\r\n"),
    (true, "EHLO x\r\nAUTH PLAIN AGEAYg==\r\n"),
    (false, "EHLO x\r\nMAIL FROM:<>\r\n"),
    (false, "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\n"),
    (false, "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\nDATA\r\n"),
    (false, "EHLO x\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<b@c>\r\nBDAT 5\r\n"),
    (false, "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\nBDAT 9 LAST\r\n1234"),
    (false, "EHLO x\r\nMAIL FROM:<a@b> SIZE=100\r\nRCPT TO:<b@c>\r\nDATA\r\n\r\n.\r"),
];

fn config(auth_required: bool, bare_newlines: BareNewlines) -> Arc<Config> {
    let mut config = Config::new("mx.example.test");
    config.mechanisms = vec![Mechanism::new("PLAIN", false)];
    config.auth_required = auth_required;
    config.bare_newlines = bare_newlines;
    config.starttls = true;
    config.chunking = true;
    config.binary_mime = true;
    config.dsn = true;
    config.smtp_utf8 = true;
    config.require_tls = true;
    config.ask_vrfy = true;
    config.size_limit = Some(500);
    config.limits.command_line = 200;
    config.limits.auth_line = 300;
    config.limits.drained = 400;
    config.limits.recipients = 4;
    Arc::new(config)
}
static CONFIGS: LazyLock<[Arc<Config>; 4]> = LazyLock::new(|| {
    let lmtp = |config: Arc<Config>| {
        let mut config = Arc::unwrap_or_clone(config);
        config.lmtp = true;
        Arc::new(config)
    };
    [
        config(false, BareNewlines::Refuse),
        config(false, BareNewlines::Keep),
        config(true, BareNewlines::Refuse),
        lmtp(config(false, BareNewlines::Refuse)),
    ]
});

fn host(lmtp: bool) -> impl FnMut(&mut Server, &[u8]) {
    let (mut turn, mut recipients) = (0_u32, 0_usize);
    move |server, frame| {
        let event = server.event(frame);
        turn = turn.wrapping_add(u32::from(!matches!(event, Event::DataChunk(_))));
        let answered = match event {
            Event::Auth { .. } => server.challenge(b""),
            Event::AuthResponse(_) => server.authenticated(),
            Event::Mail { .. } => {
                recipients = 0;
                server.accept_mail()
            }
            Event::Rcpt { .. } if turn % 3 == 0 => server.refuse(status::NO_SUCH_MAILBOX, "no such user"),
            Event::Rcpt { .. } => {
                recipients += 1;
                server.accept_rcpt()
            }
            Event::DataBegin => server.accept_data(),
            Event::Bdat { .. } if turn % 5 == 0 => server.refuse(status::NO_SUCH_MAILBOX, "no"),
            Event::Bdat { .. } => server.accept_data(),
            Event::DataEnd { .. } if lmtp => (0..std::mem::take(&mut recipients))
                .try_for_each(|_| server.end_recipient(status::OK, "kept")),
            Event::DataEnd { .. } => server.end_accepted("kept"),
            Event::Vrfy(_) | Event::Expn(_) => server.refuse(status::NO_SUCH_MAILBOX, "no"),
            Event::Xclient(_) => server.refuse(status::NO_SUCH_MAILBOX, "no"),
            _ => Ok(()),
        };
        answered.expect("each answer has its place");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let (auth, prefix) = tape.choose(STARTS);
    let which = if auth { 2 } else { usize::from(tape.start / 64) % 4 % 3 };
    let lmtp = !auth && tape.start >= 192;
    let config = &CONFIGS[if lmtp { 3 } else { which }];
    let prefix = if lmtp { prefix.replace("EHLO", "LHLO") } else { prefix.to_owned() };
    let report =
        mail_fuzz::drive(|| Server::new(Arc::clone(config)), prefix.as_bytes(), &tape, || host(lmtp));
    // Whatever was sent are whole replies, whose lines have three digits and a mark.
    assert!(report.sent.is_empty() || report.sent.ends_with(b"\r\n"));
    for line in report.sent.split_inclusive(|c| *c == b'\n') {
        assert!(line.len() <= 512 || line.starts_with(b"334 "), "a reply line is too long");
        let digits = line.iter().take_while(|c| c.is_ascii_digit()).count();
        assert!(digits == 3 && matches!(line.get(3), Some(b' ' | b'-')), "{}", line.escape_ascii());
    }
});
