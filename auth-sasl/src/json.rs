//! The flat JSON objects (RFC 8259) of bearer token refusals.

use alloc::{string::String, vec::Vec};
use core::fmt::Write as _;

/// An object of string members.
pub(crate) fn write(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = String::with_capacity(64);
    for (i, (key, value)) in members.iter().enumerate() {
        out.push_str(if i == 0 { "{\"" } else { ",\"" });
        out.push_str(key);
        out.push_str("\":\"");
        for c in value.chars() {
            match c {
                '"' | '\\' => {
                    out.push('\\');
                    out.push(c);
                }
                c if c.is_control() => {
                    // A String takes all that is written.
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out.push('}');
    out.into_bytes()
}

/// The string member `name` of an object. What else the object has is passed over, objects in it too;
/// `None` where there is no such member or no JSON.
pub(crate) fn member(octets: &[u8], name: &str) -> Option<String> {
    let text = core::str::from_utf8(octets).ok()?;
    let mut chars = text.trim_start().strip_prefix('{')?.chars();
    let mut depth = 0_u32;
    // A string at depth 0 is a key until a colon follows, then its value.
    let mut key: Option<String> = None;
    let mut in_value = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let string = string(&mut chars)?;
                if depth == 0 && in_value {
                    if key.as_deref() == Some(name) {
                        return Some(string);
                    }
                } else if depth == 0 {
                    key = Some(string);
                }
            }
            ':' if depth == 0 => in_value = true,
            ',' if depth == 0 => in_value = false,
            '{' | '[' => depth = depth.checked_add(1)?,
            '}' | ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The rest of a string after its opening quote.
fn string(chars: &mut core::str::Chars<'_>) -> Option<String> {
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                c @ ('"' | '\\' | '/') => out.push(c),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    let (hex, rest) = chars.as_str().split_at_checked(4)?;
                    // Half of a surrogate pair is no character; nor is one needed in a status.
                    let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
                    out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
                    *chars = rest.chars();
                }
                _ => return None,
            },
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_members_are_found() {
        for (text, name, value) in [
            (r#"{"status":"401","scope":"x"}"#, "scope", Some("x")),
            (" { \"status\" : \"4\\u00301\\n\" }\n", "status", Some("401\n")),
            (r#"{"a":{"status":"1"},"b":["status","2"],"c":3,"status":"4"}"#, "status", Some("4")),
            (r#"{"x":"status","y":":"}"#, "status", None),
            (r#"{"status":401}"#, "status", None),
            (r#"{"status":"#, "status", None),
            (r#"{"status":"a"#, "status", None),
            (r#"}}}"#, "status", None),
            ("[", "status", None),
            ("", "status", None),
        ] {
            assert_eq!(member(text.as_bytes(), name).as_deref(), value, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let value = "a\"\\\n\u{1}\u{e9}";
        assert_eq!(member(&write(&[("k", "v"), ("status", value)]), "status").as_deref(), Some(value));
    }
}
