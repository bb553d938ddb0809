use alloc::{string::String, vec::Vec};

use crate::{
    grammar,
    types::{LoginDelay, Retention},
};

/// So many unknown lines are kept.
const OTHER: usize = 64;

/// What a server answered to CAPA (RFC 2449).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// TOP (section 6.1).
    pub top: bool,
    /// USER and PASS, now (section 6.2).
    pub user: bool,
    /// SASL mechanisms in upper case (section 6.3); empty where there is none.
    pub sasl: Vec<String>,
    /// RESP-CODES (section 6.4).
    pub resp_codes: bool,
    /// LOGIN-DELAY; `true`: another value may hold for the user (section 6.5).
    pub login_delay: Option<(LoginDelay, bool)>,
    /// PIPELINING (section 6.6).
    pub pipelining: bool,
    /// EXPIRE; `true`: another value may hold for the user (section 6.7).
    pub expire: Option<(Retention, bool)>,
    /// UIDL (section 6.8).
    pub uidl: bool,
    /// IMPLEMENTATION (section 6.9).
    pub implementation: Option<String>,
    /// STLS (RFC 2595 section 4).
    pub stls: bool,
    /// AUTH-RESP-CODE (RFC 3206 section 6).
    pub auth_resp_code: bool,
    /// UTF8; `true`: names and passwords may be UTF-8 (RFC 6856 section 2).
    pub utf8: Option<bool>,
    /// LANG (RFC 6856 section 3).
    pub lang: bool,
    /// The first 64 lines that are none of these.
    pub other: Vec<String>,
}

impl Capabilities {
    /// `capability = capa-tag *(SP param) CRLF`, in any case (RFC 2449 section 3).
    pub(super) fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        let (tag, params) = line.split_once(' ').unwrap_or((line, ""));
        match &*tag.to_ascii_uppercase() {
            "TOP" => self.top = true,
            "USER" => self.user = true,
            "SASL" => {
                self.sasl =
                    params.split_ascii_whitespace().take(OTHER).map(str::to_ascii_uppercase).collect();
            }
            "RESP-CODES" => self.resp_codes = true,
            "LOGIN-DELAY" => self.login_delay = grammar::login_delay(params),
            "PIPELINING" => self.pipelining = true,
            "EXPIRE" => self.expire = grammar::expire(params),
            "UIDL" => self.uidl = true,
            "IMPLEMENTATION" => self.implementation = Some(params.into()),
            "STLS" => self.stls = true,
            "AUTH-RESP-CODE" => self.auth_resp_code = true,
            "UTF8" => {
                self.utf8 = Some(params.split_ascii_whitespace().any(|w| w.eq_ignore_ascii_case("USER")));
            }
            "LANG" => self.lang = true,
            _ if self.other.len() < OTHER => self.other.push(line.into()),
            _ => {}
        }
    }
}
