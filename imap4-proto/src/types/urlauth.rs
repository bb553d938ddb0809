use alloc::vec::Vec;

use super::{AString, Element, NString};
use crate::{encode, grammar::urlauth};

/// A URL to be authorized, and by which mechanism (RFC 4467 section 7, GENURLAUTH).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlRump<'b> {
    /// The URL up to and with `;URLAUTH=` and its access.
    pub url: AString<'b>,
    /// `INTERNAL` or another mechanism.
    pub mechanism: &'b str,
}

impl<'b> UrlRump<'b> {
    /// This URL by this mechanism.
    #[must_use]
    pub const fn new(url: AString<'b>, mechanism: &'b str) -> Self {
        Self { url, mechanism }
    }
}

impl<'b> Element<'b> for UrlRump<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        urlauth::url_rump(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.url.write(out);
        out.push(b' ');
        encode::atom(out, self.mechanism.as_bytes());
    }
}

/// A URL and what it points to (RFC 4467 section 8, URLFETCH); NIL where it cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlData<'b> {
    /// The URL as it was asked for.
    pub url: AString<'b>,
    /// Its octets.
    pub data: NString<'b>,
}

impl<'b> UrlData<'b> {
    /// The octets of this URL.
    #[must_use]
    pub const fn new(url: AString<'b>, data: NString<'b>) -> Self {
        Self { url, data }
    }
}

impl<'b> Element<'b> for UrlData<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        urlauth::url_data(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.url.write(out);
        out.push(b' ');
        match self.data {
            // Bytes out are bytes in.
            Some(data) => encode::body_string(out, &data.bytes(), false, false),
            None => encode::nil(out),
        }
    }
}

/// A mechanism's name where names alone are listed (RFC 4467 section 7, RESETKEY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MechanismName<'b>(
    /// The name.
    pub &'b str,
);

impl<'b> Element<'b> for MechanismName<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        urlauth::mechanism(i).ok().map(|(rest, name)| (rest, Self(name)))
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::atom(out, self.0.as_bytes());
    }
}

/// A mechanism of the code URLMECH, and what it says of itself (RFC 4467 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlMechanism<'b> {
    /// Its name; INTERNAL is the first.
    pub name: &'b str,
    /// Data in base64.
    pub data: Option<&'b str>,
}

impl<'b> UrlMechanism<'b> {
    /// A mechanism, perhaps with data in base64.
    #[must_use]
    pub const fn new(name: &'b str, data: Option<&'b str>) -> Self {
        Self { name, data }
    }
}

impl<'b> Element<'b> for UrlMechanism<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        urlauth::url_mechanism(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::atom(out, self.name.as_bytes());
        if let Some(data) = self.data {
            out.push(b'=');
            encode::atom(out, data.as_bytes());
        }
    }
}
