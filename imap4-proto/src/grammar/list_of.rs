use super::{Parse, octet, string::separated};
use crate::types::ListOf;

/// `element *(SP element)`, kept as text
pub(super) fn list_of<'b, T>(
    i: &'b [u8],
    utf8: bool,
    element: impl FnMut(&'b [u8]) -> Parse<'b, T>,
) -> Parse<'b, ListOf<'b, T>> {
    separated(i, element).map(|(rest, text)| (rest, ListOf::from_wire(text, utf8)))
}

/// `"(" [element *(SP element)] ")"`, kept as text
pub(super) fn in_parentheses<'b, T>(
    i: &'b [u8],
    utf8: bool,
    may_be_empty: bool,
    element: impl FnMut(&'b [u8]) -> Parse<'b, T>,
) -> Parse<'b, ListOf<'b, T>> {
    let i = octet(i, b'(', "A list in parentheses is missing")?;
    if let [b')', rest @ ..] = i
        && may_be_empty
    {
        return Ok((rest, ListOf::EMPTY));
    }
    let (rest, list) = list_of(i, utf8, element)?;
    Ok((octet(rest, b')', "A list in parentheses does not end")?, list))
}
