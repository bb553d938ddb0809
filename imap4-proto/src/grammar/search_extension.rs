use super::{Context, Parse, date, fault, fetch_extension::objectid, keyword::words, number::nz_number, sp};
use crate::types::{Capabilities, SearchKey};

words! {
    OLDER = b"OLDER"; YOUNGER = b"YOUNGER"; SAVEDBEFORE = b"SAVEDBEFORE"; SAVEDON = b"SAVEDON"; SAVEDSINCE = b"SAVEDSINCE";
    SAVEDATESUPPORTE = b"SAVEDATESUPPORTE"; EMAILID = b"EMAILID"; THREADID = b"THREADID"; UIDAFTER = b"UIDAFTER";
    UIDBEFORE = b"UIDBEFORE";
}

/// `search-key =/ ("OLDER" / "YOUNGER") SP nz-number` (RFC 5032 section 3), `"SAVEDBEFORE" SP date / "SAVEDON" SP date /
/// "SAVEDSINCE" SP date / "SAVEDATESUPPORTED"` (RFC 8514 section 5), `"EMAILID" SP objectid / "THREADID" SP objectid` (RFC 8474
/// section 7), `"UIDAFTER" SP uniqueid / "UIDBEFORE" SP uniqueid` (RFC 9738 section 3.2); `rest` is what follows the name.
pub(super) fn key(rest: &[u8], name: u128, context: Context) -> Parse<'_, SearchKey<'_>> {
    use SearchKey as K;
    match name {
        OLDER | YOUNGER => {
            context.needs(Capabilities::WITHIN, "WITHIN is not on")?;
            let make = if name == OLDER { K::Older } else { K::Younger };
            nz_number(sp(rest)?.0).map(|(rest, n)| (rest, make(n.get())))
        }
        SAVEDBEFORE | SAVEDON | SAVEDSINCE => {
            context.needs(Capabilities::SAVEDATE, "SAVEDATE is not on")?;
            let make = match name {
                SAVEDBEFORE => K::SavedBefore,
                SAVEDON => K::SavedOn,
                _ => K::SavedSince,
            };
            date::date(sp(rest)?.0).map(|(rest, d)| (rest, make(d)))
        }
        // One octet longer than a keyword.
        SAVEDATESUPPORTE if matches!(rest, [b'D' | b'd', ..]) => {
            context.needs(Capabilities::SAVEDATE, "SAVEDATE is not on")?;
            Ok((rest.get(1..).unwrap_or(&[]), K::SaveDateSupported))
        }
        EMAILID | THREADID => {
            context.needs(Capabilities::OBJECTID, "OBJECTID is not on")?;
            let make = if name == EMAILID { K::EmailId } else { K::ThreadId };
            objectid(sp(rest)?.0).map(|(rest, id)| (rest, make(id)))
        }
        UIDAFTER | UIDBEFORE => {
            context.needs(Capabilities::MESSAGELIMIT, "MESSAGELIMIT is not on")?;
            let make = if name == UIDAFTER { K::UidAfter } else { K::UidBefore };
            nz_number(sp(rest)?.0).map(|(rest, n)| (rest, make(n.get())))
        }
        _ => fault("Unknown search key"),
    }
}
