/// A response code: why a command was refused, for programs (RFC 2449 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RespCode {
    /// `IN-USE`: the login was right, another session holds the maildrop (RFC 2449 section 8.1.2).
    InUse,
    /// `LOGIN-DELAY`: too soon after the last login (RFC 2449 section 8.1.1).
    LoginDelay,
    /// `SYS/TEMP`: a system error that will likely pass (RFC 3206 section 4).
    SysTemp,
    /// `SYS/PERM`: a system error that somebody has to mend (RFC 3206 section 4).
    SysPerm,
    /// `AUTH`: the credentials are at fault (RFC 3206 section 5). Never on `USER`.
    Auth,
    /// `UTF8`: the message needs UTF-8 mode (RFC 6856 section 5).
    Utf8,
}

impl RespCode {
    /// The code of this name, "interpreted in a case-insensitive fashion" (RFC 2449 section 8).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::InUse, Self::LoginDelay, Self::SysTemp, Self::SysPerm, Self::Auth, Self::Utf8]
            .into_iter()
            .find(|code| code.as_str().eq_ignore_ascii_case(name))
    }

    /// The code as it stands between the brackets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
            Self::Auth => "AUTH",
            Self::Utf8 => "UTF8",
        }
    }
}
