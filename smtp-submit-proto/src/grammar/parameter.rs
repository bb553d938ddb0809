use crate::{
    BodyType, MailParams, RcptParams, Rules, Status, Submitter, SyntaxError, Xtext, status, types::Parameter,
};

use super::address::{AddressRules, mailbox};

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
/// them, and spaces at the end, are tolerated (RFC 5321 section 4.1.1).
fn esmtp_params(input: &[u8]) -> impl Iterator<Item = Result<(&[u8], Option<&[u8]>), SyntaxError>> {
    input.split(|c| *c == b' ').filter(|word| !word.is_empty()).map(|word| {
        let (keyword, value) = match memchr::memchr(b'=', word) {
            None => (word, None),
            Some(at) => (word.get(..at).unwrap_or(&[]), word.get(at + 1..)),
        };
        let keyword_fits = keyword.first().is_some_and(u8::is_ascii_alphanumeric)
            && keyword.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-');
        // `=` within a value: some clients do not encode it in `AUTH=`; its own grammar decides.
        let value_fits = value.is_none_or(|v| !v.is_empty() && v.iter().all(|c| matches!(c, 33..=126)));
        if keyword_fits && value_fits {
            Ok((keyword, value))
        } else {
            Err(bad("a parameter that is no keyword and value"))
        }
    })
}

fn known(keyword: &[u8], rules: &Rules) -> Option<Parameter> {
    let is = |word: &[u8]| keyword.eq_ignore_ascii_case(word);
    match keyword.len() {
        4 if rules.size && is(b"SIZE") => Some(Parameter::Size),
        4 if rules.eight_bit_mime && is(b"BODY") => Some(Parameter::Body),
        4 if rules.auth && is(b"AUTH") => Some(Parameter::Auth),
        _ => None,
    }
}

/// The parameters of MAIL. One given twice is an error, one that is unknown is 555
/// (RFC 5321 section 4.1.1.11).
pub(super) fn mail_params<'b>(input: &'b [u8], rules: &Rules) -> Result<MailParams<'b>, SyntaxError> {
    const TWICE: SyntaxError = bad("a parameter is given twice");
    let mut params = MailParams::default();
    for param in esmtp_params(input) {
        let (keyword, value) = param?;
        match known(keyword, rules).ok_or(UNKNOWN)? {
            Parameter::Size => set(&mut params.size, size(value)?).ok_or(TWICE)?,
            Parameter::Body => set(&mut params.body, body(value)?).ok_or(TWICE)?,
            Parameter::Auth => set(&mut params.auth, submitter(value, rules)?).ok_or(TWICE)?,
        }
    }
    Ok(params)
}

fn set<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

/// The parameters of RCPT: none is known so far.
pub(super) fn rcpt_params(input: &[u8]) -> Result<RcptParams<'_>, SyntaxError> {
    match esmtp_params(input).next() {
        None => Ok(RcptParams::default()),
        Some(Ok(_)) => Err(UNKNOWN),
        Some(Err(e)) => Err(e),
    }
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

/// `body-value = "7BIT" / "8BITMIME"` (RFC 6152 section 2)
fn body(value: Option<&[u8]>) -> Result<BodyType, SyntaxError> {
    match value {
        Some(v) if v.eq_ignore_ascii_case(b"7BIT") => Ok(BodyType::SevenBit),
        Some(v) if v.eq_ignore_ascii_case(b"8BITMIME") => Ok(BodyType::EightBitMime),
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
        assert_eq!(rcpt_params(b" NOTIFY=NEVER"), Err(UNKNOWN));
        assert!(rcpt_params(b" ").is_ok());
    }
}
