//! ENVELOPE and BODYSTRUCTURE, read from a message once and then remembered by the store.

use bytes::Bytes;
use imap4_proto::types::{Envelope as WireEnvelope, FetchItem};
use mailstore_api::{Derived, ErrorKind, Mailbox, Meta, Part, Result};

use super::message::Message;
use crate::mime::Envelope;

/// What remembered values begin with. Another number is another encoding: they are read anew.
const VERSION: u8 = 2;

/// Which part of the message must be read because what is asked for was not remembered.
pub(super) fn missing(items: &[FetchItem<'_>], meta: &Meta) -> Option<Part> {
    items.iter().find_map(|item| match item {
        FetchItem::Envelope => remembered(item, meta).is_none().then_some(Part::Header),
        FetchItem::BodyStructure | FetchItem::Body => remembered(item, meta).is_none().then_some(Part::Whole),
        _ => None,
    })
}

/// The encoded value of an item, where it was remembered.
pub(super) fn remembered<'m>(item: &FetchItem<'_>, meta: &'m Meta) -> Option<&'m [u8]> {
    let more = meta.more.as_ref()?;
    match item {
        FetchItem::Envelope => match more.envelope.as_deref()? {
            [VERSION, value @ ..] => Some(value),
            _ => None,
        },
        FetchItem::BodyStructure => either(more.body_structure.as_deref()?, true),
        FetchItem::Body => either(more.body_structure.as_deref()?, false),
        _ => None,
    }
}

/// The encoded ENVELOPE.
pub(super) async fn envelope<M: Mailbox>(message: &mut Message<'_, M>, meta: &Meta) -> Result<Bytes> {
    let remembered = meta.more.as_ref().and_then(|more| more.envelope.as_ref());
    if let Some(value) = remembered.filter(|v| v.first() == Some(&VERSION)) {
        return Ok(value.slice(1..));
    }
    let header = message.header().await?;
    let mut value = vec![VERSION];
    // Without UTF-8 in quotes: every client can read that.
    WireEnvelope::from(Envelope::from_header(&header)).encode(&mut value, false);
    let value = Bytes::from(value);
    message.remember(Derived { envelope: Some(value.clone()), ..Derived::default() }).await;
    Ok(value.slice(1..))
}

/// The encoded BODYSTRUCTURE, or (not `extensible`) BODY. Both are remembered together: the version, the length of the
/// first in 4 octets, the first, the second.
pub(super) async fn structure<M: Mailbox>(
    message: &mut Message<'_, M>,
    meta: &Meta,
    extensible: bool,
) -> Result<Bytes> {
    let remembered = meta.more.as_ref().and_then(|more| more.body_structure.as_ref());
    if let Some((whole, value)) = remembered.and_then(|whole| Some((whole, either(whole, extensible)?))) {
        return Ok(whole.slice_ref(value));
    }
    let body = message.structure().await?.body_structure();
    let mut long = Vec::new();
    body.encode(&mut long, true, false);
    let mut value = vec![VERSION];
    let len = u32::try_from(long.len()).map_err(|_| ErrorKind::Limit)?;
    value.extend_from_slice(&len.to_be_bytes());
    value.extend_from_slice(&long);
    body.encode(&mut value, false, false);
    let value = Bytes::from(value);
    message.remember(Derived { body_structure: Some(value.clone()), ..Derived::default() }).await;
    let encoded = either(&value, extensible).ok_or(ErrorKind::Internal)?;
    Ok(value.slice_ref(encoded))
}

fn either(value: &[u8], extensible: bool) -> Option<&[u8]> {
    let (&VERSION, rest) = value.split_first()? else { return None };
    let (len, both) = rest.split_first_chunk()?;
    let (long, short) = both.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    Some(if extensible { long } else { short })
}
