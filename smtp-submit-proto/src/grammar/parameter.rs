use crate::{
    BodyType, MailParams, RcptParams, Rules, Status, Submitter, SyntaxError, Xtext, status, types::Parameter,
};

use super::{
    address::{AddressRules, mailbox},
    class::{GRAPHIC, GRAPHIC_UTF8, LDH, folded, is_word, while_all},
    extension,
};

const UNKNOWN: SyntaxError =
    SyntaxError { status: status::UNKNOWN_PARAMETER, text: "a parameter that is not known here" };

const fn bad(text: &'static str) -> SyntaxError {
    SyntaxError { status: status::BAD_ARGUMENTS, text }
}

/// ```abnf
/// Mail-parameters = esmtp-param *(SP esmtp-param)
/// esmtp-param     = esmtp-keyword ["=" esmtp-value]
/// esmtp-keyword   = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
/// esmtp-value     = 1*(%d33-60 / %d62-126)
/// ```
/// `input` is what follows the path: nothing, or a space and parameters. More than one space between
/// them, and spaces at the end, are tolerated (RFC 5321 section 4.1.1). With SMTPUTF8 a value may hold
/// UTF-8 (RFC 6531 section 3.3).
struct Params<'b> {
    rest: &'b [u8],
    utf8: bool,
}

impl<'b> Iterator for Params<'b> {
    type Item = Result<(&'b [u8], Option<&'b [u8]>), SyntaxError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while let [b' ', rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        let (keyword, mut rest) = while_all(self.rest, LDH);
        let mut value = None;
        if let [b'=', tail @ ..] = rest {
            // `=` within a value: some clients do not encode it in `AUTH=`; its own grammar decides.
            let (text, tail) = while_all(tail, if self.utf8 { GRAPHIC_UTF8 } else { GRAPHIC });
            value = Some(text);
            rest = tail;
        }
        self.rest = rest;
        let fits = keyword.first().is_some_and(u8::is_ascii_alphanumeric)
            && value.is_none_or(|v| !v.is_empty())
            && matches!(rest, [] | [b' ', ..]);
        Some(if fits { Ok((keyword, value)) } else { Err(bad("a parameter that is no keyword and value")) })
    }
}

fn known(keyword: &[u8], rules: &Rules) -> Option<Parameter> {
    if let Ok(word) = <[u8; 4]>::try_from(keyword) {
        return match &folded(word) {
            b"SIZE" if rules.size => Some(Parameter::Size),
            b"BODY" if rules.eight_bit_mime => Some(Parameter::Body),
            b"AUTH" if rules.auth => Some(Parameter::Auth),
            _ => None,
        };
    }
    let is = |word: &[u8]| keyword.eq_ignore_ascii_case(word);
    match keyword.len() {
        3 if rules.dsn && is(b"RET") => Some(Parameter::Ret),
        5 if rules.dsn && is(b"ENVID") => Some(Parameter::Envid),
        8 if rules.smtp_utf8 && is(b"SMTPUTF8") => Some(Parameter::SmtpUtf8),
        10 if rules.require_tls && is(b"REQUIRETLS") => Some(Parameter::RequireTls),
        2 if rules.deliver_by && is(b"BY") => Some(Parameter::By),
        7 if rules.future_release && is(b"HOLDFOR") => Some(Parameter::HoldFor),
        9 if rules.future_release && is(b"HOLDUNTIL") => Some(Parameter::HoldUntil),
        11 if rules.mt_priority && is(b"MT-PRIORITY") => Some(Parameter::Priority),
        _ => None,
    }
}

/// The parameters of MAIL. One given twice is an error, one that is unknown is 555
/// (RFC 5321 section 4.1.1.11).
pub(super) fn mail_params<'b>(
    input: &'b [u8],
    params: &mut MailParams<'b>,
    rules: &Rules,
) -> Result<(), SyntaxError> {
    const TWICE: SyntaxError = bad("a parameter is given twice");
    let mut input = input;
    while let Some(rest) = usual(input, params, rules) {
        input = rest;
    }
    for param in (Params { rest: input, utf8: rules.smtp_utf8 }) {
        let (keyword, value) = param?;
        match known(keyword, rules).ok_or(UNKNOWN)? {
            Parameter::Size => set(&mut params.size, size(value)?).ok_or(TWICE)?,
            Parameter::Body => set(&mut params.body, body(value, rules)?).ok_or(TWICE)?,
            Parameter::Auth => set(&mut params.auth, submitter(value, rules)?).ok_or(TWICE)?,
            Parameter::Ret => {
                let ret = extension::ret(value).ok_or(bad("RET wants FULL or HDRS"))?;
                set(&mut params.ret, ret).ok_or(TWICE)?;
            }
            Parameter::Envid => {
                let envid = extension::envid(value).ok_or(bad("ENVID wants up to 100 octets of xtext"))?;
                set(&mut params.envid, envid).ok_or(TWICE)?;
            }
            Parameter::SmtpUtf8 => flag(&mut params.smtp_utf8, value)?,
            Parameter::RequireTls => flag(&mut params.require_tls, value)?,
            Parameter::By => {
                let by = extension::deliver_by(value).ok_or(bad("BY wants seconds and N or R"))?;
                set(&mut params.deliver_by, by).ok_or(TWICE)?;
            }
            // One of the two, and once (RFC 4865 section 4).
            Parameter::HoldFor => {
                let hold = extension::hold_for(value).ok_or(bad("HOLDFOR wants a number of seconds"))?;
                set(&mut params.hold, hold).ok_or(TWICE)?;
            }
            Parameter::HoldUntil => {
                let hold = extension::hold_until(value).ok_or(bad("HOLDUNTIL wants a time in UTC"))?;
                set(&mut params.hold, hold).ok_or(TWICE)?;
            }
            Parameter::Priority => {
                let n = extension::priority(value).ok_or(bad("MT-PRIORITY wants -9 to 9"))?;
                set(&mut params.priority, n).ok_or(TWICE)?;
            }
        }
    }
    Ok(())
}

/// The parameters that most clients give, `SIZE` and `BODY`, where one of them comes first and nothing is odd with it: what
/// follows it. `None` says nothing.
#[inline]
fn usual<'b>(input: &'b [u8], params: &mut MailParams<'b>, rules: &Rules) -> Option<&'b [u8]> {
    let ([b' ', a, b, c, d, b'='], value) = input.split_first_chunk()? else { return None };
    let rest = match &folded([*a, *b, *c, *d]) {
        b"SIZE" if rules.size && params.size.is_none() => {
            let (size, rest) = digits(value)?;
            params.size = Some(size);
            rest
        }
        b"BODY" if rules.eight_bit_mime && params.body.is_none() => {
            let (body, rest) = usual_body(value)?;
            params.body = Some(body);
            rest
        }
        _ => return None,
    };
    Some(rest)
}

/// A number of so many digits that it cannot exceed 64 bits, and what follows it: nothing, or a space.
#[inline]
fn digits(input: &[u8]) -> Option<(u64, &[u8])> {
    let (mut n, mut rest) = (0, input);
    while let [c @ b'0'..=b'9', tail @ ..] = rest {
        n = n * 10 + u64::from(c - b'0');
        rest = tail;
        if input.len() - rest.len() > 18 {
            return None;
        }
    }
    (rest.len() < input.len() && is_end(rest)).then_some((n, rest))
}

#[inline]
fn usual_body(value: &[u8]) -> Option<(BodyType, &[u8])> {
    // Only a letter becomes a letter by losing this bit; the digit keeps all of its own.
    const FOLD: u64 = u64::from_le_bytes([0xff, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf]);
    let (word, rest) = value.split_first_chunk()?;
    let is = u64::from_le_bytes(*word) & FOLD == u64::from_le_bytes(*b"8BITMIME");
    (is && is_end(rest)).then_some((BodyType::EightBitMime, rest))
}

const fn is_end(rest: &[u8]) -> bool {
    matches!(rest, [] | [b' ', ..])
}

fn set<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

/// A parameter without a value.
fn flag(slot: &mut bool, value: Option<&[u8]>) -> Result<(), SyntaxError> {
    if value.is_some() {
        return Err(bad("a parameter that takes no value"));
    }
    if core::mem::replace(slot, true) {
        return Err(bad("a parameter is given twice"));
    }
    Ok(())
}

/// The parameters of RCPT.
pub(super) fn rcpt_params<'b>(input: &'b [u8], rules: &Rules) -> Result<RcptParams<'b>, SyntaxError> {
    const TWICE: SyntaxError = bad("a parameter is given twice");
    let mut params = RcptParams::default();
    for param in (Params { rest: input, utf8: rules.smtp_utf8 }) {
        let (keyword, value) = param?;
        if rules.dsn && keyword.eq_ignore_ascii_case(b"NOTIFY") {
            let notify =
                extension::notify(value).ok_or(bad("NOTIFY wants NEVER, or SUCCESS, FAILURE, DELAY"))?;
            set(&mut params.notify, notify).ok_or(TWICE)?;
        } else if rules.dsn && keyword.eq_ignore_ascii_case(b"ORCPT") {
            let orcpt = extension::orcpt(value, rules.smtp_utf8)
                .ok_or(bad("ORCPT wants a type and an address as xtext"))?;
            set(&mut params.orcpt, orcpt).ok_or(TWICE)?;
        } else {
            return Err(UNKNOWN);
        }
    }
    Ok(params)
}

/// `size-value = 1*20DIGIT` (RFC 1870 section 5). 20 digits may exceed 64 bits: then it is the greatest.
fn size(value: Option<&[u8]>) -> Result<u64, SyntaxError> {
    match value {
        Some(digits @ [_, ..]) if digits.len() <= 20 && digits.iter().all(u8::is_ascii_digit) => {
            Ok(digits.iter().fold(0_u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0'))))
        }
        _ => Err(bad("SIZE wants a number of octets")),
    }
}

/// `body-value = "7BIT" / "8BITMIME" / "BINARYMIME"` (RFC 6152 section 2, RFC 3030 section 3)
fn body(value: Option<&[u8]>, rules: &Rules) -> Result<BodyType, SyntaxError> {
    match value {
        Some(v) if is_word(v, b"7BIT") => Ok(BodyType::SevenBit),
        Some(v) if is_word(v, b"8BITMIME") => Ok(BodyType::EightBitMime),
        Some(v) if rules.binary_mime && v.eq_ignore_ascii_case(b"BINARYMIME") => Ok(BodyType::BinaryMime),
        _ => Err(bad("BODY wants 7BIT or 8BITMIME")),
    }
}

/// `auth-param = "AUTH=" xtext`, which decodes to `<>` or a mailbox (RFC 4954 section 8)
fn submitter<'b>(value: Option<&'b [u8]>, rules: &Rules) -> Result<Submitter<'b>, SyntaxError> {
    const BAD: SyntaxError = bad("AUTH wants a mailbox as xtext, or <>");
    let text = value.and_then(|v| str::from_utf8(v).ok()).ok_or(BAD)?;
    if text == "<>" {
        return Ok(Submitter::Unknown);
    }
    let xtext = Xtext::new(text).ok_or(BAD)?;
    let decoded = xtext.decoded().ok_or(BAD)?;
    let address = AddressRules { utf8: rules.smtp_utf8, underscore: rules.tolerances.underscore_in_domain };
    mailbox(decoded.as_bytes(), address).map_err(|_| BAD)?;
    Ok(Submitter::Mailbox(xtext))
}

/// What a path that does not parse is answered with.
pub(super) fn path_status(error: super::AddressError, syntax: Status) -> Status {
    match error {
        super::AddressError::NonAscii => status::NON_ASCII_ADDRESS,
        super::AddressError::TooLong | super::AddressError::Syntax => syntax,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail_params<'b>(input: &'b [u8], rules: &Rules) -> Result<MailParams<'b>, SyntaxError> {
        let mut params = MailParams::default();
        super::mail_params(input, &mut params, rules).map(|()| params)
    }

    #[test]
    fn mail_parameters() {
        let rules = Rules::default();
        let p = mail_params(b" SIZE=500 BODY=8BITMIME  AUTH=e+3Dmc2@example.com ", &rules).unwrap();
        assert_eq!((p.size, p.body), (Some(500), Some(BodyType::EightBitMime)));
        assert!(matches!(p.auth, Some(Submitter::Mailbox(x)) if x.decoded().unwrap() == "e=mc2@example.com"));
        assert_eq!(mail_params(b" auth=<>", &rules).unwrap().auth, Some(Submitter::Unknown));
        assert_eq!(mail_params(b" size=99999999999999999999", &rules).unwrap().size, Some(u64::MAX));
        assert_eq!(mail_params(b"", &rules), Ok(MailParams::default()));
        for (wire, code) in [
            (&b" SIZE"[..], 501),
            (b" SIZE=", 501),
            (b" SIZE=-1", 501),
            (b" SIZE=1x", 501),
            (b" SIZE=123456789012345678901", 501),
            (b" SIZE=1 SIZE=2", 501),
            (b" BODY=9BIT", 501),
            (b" BODY=BINARYMIME", 501),
            (b" AUTH=a=b", 501),
            (b" AUTH=nobody", 501),
            (b" =x", 501),
            (b" -x=1", 501),
            (b" SMTPUTF8", 555),
            (b" RET=FULL", 555),
            (b" XYZZY=1", 555),
        ] {
            assert_eq!(mail_params(wire, &rules).unwrap_err().status.code(), code, "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn the_parameters_of_an_extension_that_is_off_are_unknown() {
        let off = Rules { size: false, eight_bit_mime: false, auth: false, ..Rules::default() };
        for wire in [&b" SIZE=1"[..], b" BODY=7BIT", b" AUTH=<>"] {
            assert_eq!(mail_params(wire, &off), Err(UNKNOWN));
        }
        assert_eq!(rcpt_params(b" NOTIFY=NEVER", &off), Err(UNKNOWN));
        assert!(rcpt_params(b" ", &off).is_ok());
    }
}
