use super::{
    Parse, before, octet, sp,
    string::{nil, nstring, string},
};
use crate::types::{AString, IdParameters, NString};

/// `id = "ID" SP id-params-list`, with `id-params-list = "(" #(string SP nstring) ")" / nil` (RFC 2971 section 4);
/// after the name.
pub(super) fn id(i: &[u8]) -> Parse<'_, IdParameters<'_>> {
    id_params(sp(i)?.0)
}

/// `id-params-list`
pub(super) fn id_params(i: &[u8]) -> Parse<'_, IdParameters<'_>> {
    if let Some(rest) = nil(i) {
        return Ok((rest, IdParameters(&[])));
    }
    let i = octet(i, b'(', "A list of parameters is missing")?;
    let mut rest = i;
    while !matches!(rest, [b')', ..]) {
        rest = match field(rest)?.0 {
            [b' ', tail @ ..] => tail,
            tail => tail,
        };
    }
    let list = before(i, rest);
    Ok((octet(rest, b')', "A list of parameters does not end")?, IdParameters(list)))
}

/// `string SP nstring`
fn field(i: &[u8]) -> Parse<'_, (AString<'_>, NString<'_>)> {
    let (i, name) = string(i)?;
    let (i, value) = nstring(sp(i)?.0)?;
    Ok((i, (name, value)))
}

/// Reads again what [`id`] read.
#[derive(Clone)]
pub(crate) struct Fields<'b>(pub(crate) &'b [u8]);

impl<'b> Iterator for Fields<'b> {
    type Item = (AString<'b>, NString<'b>);
    fn next(&mut self) -> Option<Self::Item> {
        let i = self.0.strip_prefix(b" ").unwrap_or(self.0);
        let (rest, pair) = field(i).ok()?;
        self.0 = rest;
        Some(pair)
    }
}
