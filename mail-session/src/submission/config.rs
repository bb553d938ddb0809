use std::borrow::Cow;

use smtp_submit_proto as smtp;

/// How submission sessions behave; shared by all of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protocol machine's part. Its mechanisms and STARTTLS are the session's to set: they follow from the
    /// authority and from the connection.
    pub smtp: smtp::Config,
    /// Octets of a message's header that are looked at for missing fields, and held in memory meanwhile.
    pub header_limit: usize,
    /// Whether `Received:` names the client's address.
    pub trace_address: bool,
    /// What the client reads when the server stops.
    pub goodbye: Cow<'static, str>,
}

impl Config {
    /// A submission server of this name.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            smtp: smtp::Config::new(hostname),
            header_limit: 64 * 1024,
            trace_address: true,
            goodbye: Cow::Borrowed("shutting down"),
        }
    }
}
