/// How long messages stay on the server (EXPIRE, RFC 2449 section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The server deletes none.
    Never,
    /// At least this many days; with 0, what was retrieved may be deleted at QUIT.
    Days(u32),
}

/// Seconds between logins (LOGIN-DELAY, RFC 2449 section 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginDelay(
    /// Seconds.
    pub u32,
);

/// One line of the answer to CAPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability<'a> {
    /// TOP is there (RFC 2449 section 6.1).
    Top,
    /// USER and PASS are there, now (section 6.2).
    User,
    /// AUTH with an initial response is there, with these mechanisms (section 6.3).
    Sasl(&'a [&'a str]),
    /// Text that begins with `[` is a response code (section 6.4).
    RespCodes,
    /// Seconds between logins; `true`: another value may hold for the user (section 6.5).
    LoginDelay(LoginDelay, bool),
    /// Commands may be sent without waiting for answers (section 6.6).
    Pipelining,
    /// How long messages stay; `true`: another value may hold for the user (section 6.7).
    Expire(Retention, bool),
    /// UIDL is there (section 6.8).
    Uidl,
    /// Which program this is (section 6.9).
    Implementation(&'a str),
    /// STLS may be given now (RFC 2595 section 4).
    Stls,
    /// Every refusal that the credentials caused has the code AUTH (RFC 3206 section 6).
    AuthRespCode,
    /// UTF8 is there; `true`: names and passwords may be UTF-8 (RFC 6856 section 2).
    Utf8(bool),
    /// LANG is there (RFC 6856 section 3).
    Lang,
}
