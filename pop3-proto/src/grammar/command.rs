use super::argument::{Arguments, language_range, sasl_mech};
use crate::types::{Command, CommandKind, Secret, SyntaxError, Tolerance};

/// `command = keyword *(SP param)` without its CRLF (RFC 2449 section 3).
pub(crate) fn command(line: &[u8], tolerance: Tolerance) -> Result<Command<'_>, SyntaxError> {
    let (of, arguments) = keyword(line).ok_or(SyntaxError::Unknown)?;
    let octets = arguments.unwrap_or_default();
    // A password may hold any octet but these three, which end lines or strings.
    let forbidden = match of {
        CommandKind::Pass => octets.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')),
        _ => mail_wire::has_control(octets),
    };
    if forbidden {
        return Err(SyntaxError::Control);
    }
    let given = Arguments { of, octets, tolerance };
    if octets.is_empty() && arguments.is_some() && !tolerance.extra_spaces {
        return Err(SyntaxError::ArgumentMissing(of));
    }
    let none = |command| given.none().map(|()| command);
    match of {
        CommandKind::User => given.name().map(Command::User),
        CommandKind::Pass => pass(given),
        CommandKind::Apop => given.name_and_digest().map(|(name, digest)| Command::Apop { name, digest }),
        CommandKind::Auth => auth(given),
        CommandKind::Stat => none(Command::Stat),
        CommandKind::List => given.optional_message().map(Command::List),
        CommandKind::Uidl => given.optional_message().map(Command::Uidl),
        CommandKind::Retr => given.message().map(Command::Retr),
        CommandKind::Top => given.message_and_lines().map(|(n, lines)| Command::Top(n, lines)),
        CommandKind::Dele => given.message().map(Command::Dele),
        CommandKind::Noop => none(Command::Noop),
        CommandKind::Rset => none(Command::Rset),
        CommandKind::Quit => none(Command::Quit),
        CommandKind::Capa => none(Command::Capa),
        CommandKind::Stls => none(Command::Stls),
        CommandKind::Utf8 => none(Command::Utf8),
        CommandKind::Lang => given.one_or_none()?.map(language_range).transpose().map(Command::Lang),
    }
}

/// `keyword *(SP param)`: which command it is, and all after the one space that follows it, where one does.
#[inline]
fn keyword(line: &[u8]) -> Option<(CommandKind, Option<&[u8]>)> {
    // TOP is the one of three letters.
    let (word, rest) = match line {
        [t, o, p] => ([*t, *o, *p, 0], [].as_slice()),
        [t, o, p, b' ', ..] => ([*t, *o, *p, 0], line.get(3..)?),
        _ => line.split_first_chunk::<4>().map(|(word, rest)| (*word, rest))?,
    };
    let arguments = match rest {
        [] => None,
        [b' ', arguments @ ..] => Some(arguments),
        _ => return None,
    };
    Some((kind(word)?, arguments))
}

/// `keyword = 3*4VCHAR`, "case-insensitive" (RFC 1939 section 3).
#[inline]
fn kind(word: [u8; 4]) -> Option<CommandKind> {
    // Folded at once. Only a letter becomes a letter by losing this bit, and digits (UTF8) become what they are here.
    let folded = u32::from_ne_bytes(word) & u32::from_ne_bytes([0xdf; 4]);
    Some(match &folded.to_ne_bytes() {
        b"USER" => CommandKind::User,
        b"PASS" => CommandKind::Pass,
        b"APOP" => CommandKind::Apop,
        b"AUTH" => CommandKind::Auth,
        b"STAT" => CommandKind::Stat,
        b"LIST" => CommandKind::List,
        b"UIDL" => CommandKind::Uidl,
        b"RETR" => CommandKind::Retr,
        b"TOP\0" if word[3] == 0 => CommandKind::Top,
        b"DELE" => CommandKind::Dele,
        b"NOOP" => CommandKind::Noop,
        b"RSET" => CommandKind::Rset,
        b"QUIT" => CommandKind::Quit,
        b"CAPA" => CommandKind::Capa,
        b"STLS" => CommandKind::Stls,
        b"UTF\x18" if word[3] == b'8' => CommandKind::Utf8,
        b"LANG" => CommandKind::Lang,
        _ => return None,
    })
}

/// "Since the PASS command has exactly one argument, a POP3 server may treat spaces in the argument as
/// part of the password" (RFC 1939 section 7): all of them, also at its ends.
fn pass(given: Arguments<'_>) -> Result<Command<'_>, SyntaxError> {
    if given.octets.is_empty() {
        return Err(SyntaxError::ArgumentMissing(given.of));
    }
    Ok(Command::Pass(Secret::new(given.octets)))
}

/// `auth-command = "AUTH" SP sasl-mech [SP initial-response]` (RFC 5034 section 5). Whether the
/// response is base64 shows when it is decoded.
fn auth(given: Arguments<'_>) -> Result<Command<'_>, SyntaxError> {
    if given.trimmed().is_empty() && given.tolerance.auth_list {
        return Ok(Command::AuthList);
    }
    let (mechanism, initial) = given.one_or_two()?;
    Ok(Command::Auth { mechanism: sasl_mech(mechanism)?, initial: initial.map(Secret::new) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Digest, MessageNumber};
    use alloc::{vec, vec::Vec};

    fn n(n: u32) -> MessageNumber {
        MessageNumber::new(n).unwrap()
    }

    #[test]
    fn every_command_is_read_strictly_and_tolerantly() {
        let digest = Digest::new([
            0xc4, 0xc9, 0x33, 0x4b, 0xac, 0x56, 0x0e, 0xcc, 0x97, 0x9e, 0x58, 0x00, 0x1b, 0x3e, 0x22, 0xfb,
        ]);
        for (line, value) in [
            (&b"USER mrose"[..], Command::User(b"mrose")),
            (b"user j\xc3\xb8rn@example.test", Command::User(b"j\xc3\xb8rn@example.test")),
            (b"PASS tanstaaf", Command::Pass(Secret::new(b"tanstaaf"))),
            (b"pAsS  two  spaces ", Command::Pass(Secret::new(b" two  spaces "))),
            (b"PASS \xff\xfe\t", Command::Pass(Secret::new(b"\xff\xfe\t"))),
            (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb", Command::Apop { name: b"mrose", digest }),
            (b"AUTH PLAIN", Command::Auth { mechanism: "PLAIN", initial: None }),
            (b"AUTH plain =", Command::Auth { mechanism: "plain", initial: Some(Secret::new(b"=")) }),
            (
                b"AUTH SCRAM-SHA-256 biws",
                Command::Auth { mechanism: "SCRAM-SHA-256", initial: Some(Secret::new(b"biws")) },
            ),
            (b"CAPA", Command::Capa),
            (b"capa", Command::Capa),
            (b"STLS", Command::Stls),
            (b"STAT", Command::Stat),
            (b"LIST", Command::List(None)),
            (b"LIST 1", Command::List(Some(n(1)))),
            (b"UIDL", Command::Uidl(None)),
            (b"UIDL 4294967295", Command::Uidl(Some(n(u32::MAX)))),
            (b"RETR 007", Command::Retr(n(7))),
            (b"TOP 1 0", Command::Top(n(1), 0)),
            (b"top 10 99999999999999999999999", Command::Top(n(10), u64::MAX)),
            (b"DELE 2", Command::Dele(n(2))),
            (b"NOOP", Command::Noop),
            (b"RSET", Command::Rset),
            (b"QUIT", Command::Quit),
            (b"UTF8", Command::Utf8),
            (b"LANG", Command::Lang(None)),
            (b"LANG *", Command::Lang(Some("*"))),
            (b"LANG en-boont", Command::Lang(Some("en-boont"))),
        ] {
            for tolerance in [Tolerance::STRICT, Tolerance::TOLERANT] {
                assert_eq!(command(line, tolerance), Ok(value), "{}", line.escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_no_command_is_refused_with_its_reason() {
        use {CommandKind::*, SyntaxError::*};
        for (line, error) in [
            (&b""[..], Unknown),
            (b" NOOP", Unknown),
            (b"XTND XMIT", Unknown),
            (b"TO", Unknown),
            (b"TOPS 1 2", Unknown),
            (b"RETRIEVE 1", Unknown),
            (b"NOOP\t", Unknown),
            (b"USER", ArgumentMissing(User)),
            (b"PASS", ArgumentMissing(Pass)),
            (b"PASS ", ArgumentMissing(Pass)),
            (b"PASS a\0b", Control),
            (b"USER a\0b", Control),
            (b"USER a\rb", Control),
            (b"RETR", ArgumentMissing(Retr)),
            (b"RETR 0", Zero),
            (b"LIST 0", Zero),
            (b"UIDL 00", Zero),
            (b"DELE 4294967296", TooLarge),
            (b"RETR 99999999999999999999999999999", TooLarge),
            (b"RETR -1", NotANumber),
            (b"RETR +1", NotANumber),
            (b"RETR 1x", NotANumber),
            (b"RETR one", NotANumber),
            (b"RETR 1 2", ArgumentExtra(Retr)),
            (b"TOP", ArgumentMissing(Top)),
            (b"TOP 1", ArgumentMissing(Top)),
            (b"TOP 0 1", Zero),
            (b"TOP 1 -1", NotANumber),
            (b"TOP 1 2 3", ArgumentExtra(Top)),
            (b"STAT 1", ArgumentExtra(Stat)),
            (b"APOP mrose", ArgumentMissing(Apop)),
            (b"APOP mrose c4c9", Digest),
            (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb0", Digest),
            (b"APOP mrose g4c9334bac560ecc979e58001b3e22fb", Digest),
            (b"AUTH PL/AIN", Mechanism),
            (b"AUTH AAAAAAAAAAAAAAAAAAAAA", Mechanism),
            (b"AUTH PLAIN a b", ArgumentExtra(Auth)),
            (b"LANG e_n", Language),
            (b"LANG en--x", Language),
            (b"LANG en fr", ArgumentExtra(Lang)),
        ] {
            for tolerance in [Tolerance::STRICT, Tolerance::TOLERANT] {
                assert_eq!(command(line, tolerance), Err(error), "{}", line.escape_ascii());
            }
        }
    }

    #[test]
    fn what_only_tolerance_takes() {
        use {CommandKind::*, SyntaxError::*};
        for (line, strict, tolerant) in [
            (&b"NOOP "[..], ArgumentMissing(Noop), Command::Noop),
            (b"LIST ", ArgumentMissing(List), Command::List(None)),
            (b"RETR  1 ", ArgumentMissing(Retr), Command::Retr(n(1))),
            (b"TOP 1  2", ArgumentMissing(Top), Command::Top(n(1), 2)),
            (b"RETR 1 ", ArgumentExtra(Retr), Command::Retr(n(1))),
            (b"USER Anne Other ", ArgumentExtra(User), Command::User(b"Anne Other")),
            (b"AUTH", ArgumentMissing(Auth), Command::AuthList),
        ] {
            assert_eq!(command(line, Tolerance::STRICT), Err(strict), "{}", line.escape_ascii());
            assert_eq!(command(line, Tolerance::TOLERANT), Ok(tolerant), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_secret_is_in_no_debug_output() {
        let lines: Vec<&[u8]> = vec![b"PASS hunter2", b"AUTH PLAIN aHVudGVyMg=="];
        for line in lines {
            let command = command(line, Tolerance::STRICT).unwrap();
            let shown = alloc::format!("{command:?} {:?}", command.into_owned());
            assert!(
                !shown.contains("hunter2") && !shown.contains("aHVu") && !shown.contains("104"),
                "{shown}"
            );
        }
    }
}
