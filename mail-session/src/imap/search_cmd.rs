//! SEARCH and UID SEARCH (RFC 9051 section 6.4.4).

use imap4_proto::types::{Capabilities, Code, EsearchData, Search, SearchKey, SearchReturn};
use mailstore_api::{MailStore, Mailbox, MetaItems, Result as StoreResult, Uid, UidSet};

use super::{
    modseq::no_modseqs,
    search_key::{Charset, Unsearchable, resolve},
    selected::after_uid,
    session::{Answer, Client, EXPUNGED, Session},
};
use crate::{auth::Authority, search, view::Expunges};

/// Messages asked for at once.
const BATCH: usize = 1000;

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn search(&mut self, search: Search<'_>, peer: &mut Client<'_>) -> Answer {
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        if search.charset.is_some() && peer.machine.enabled().contains(Capabilities::UTF8_ACCEPT) {
            // RFC 6855 section 3: all strings are UTF-8.
            return Ok(peer.machine.bad(None, "After ENABLE UTF8=ACCEPT no CHARSET is named")?);
        }
        let by_modseq = mentions(&search.key, |key| matches!(key, SearchKey::ModSeq(..)));
        if by_modseq {
            if !selected.keeps_modseqs {
                return no_modseqs(peer);
            }
            self.enable_modseqs(peer)?;
        }
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        // RFC 9051 section 6.4.4: who enabled IMAP4rev2 is always answered with ESEARCH.
        let rev2 = peer.machine.enabled().contains(Capabilities::IMAP4REV2);
        let returns = search.returns.or_else(|| rev2.then_some(SearchReturn::ALL));
        let saves = returns.is_some_and(|r| r.contains(SearchReturn::SAVE));
        let query = Charset::named(search.charset.as_ref())
            .and_then(|charset| resolve(&search.key, charset, &selected.view, &selected.saved));
        let query = match query {
            Ok(query) => query,
            Err(Unsearchable::Charset) => {
                if saves {
                    selected.saved = UidSet::new();
                }
                let code = Code::BadCharset(Charset::KNOWN);
                return Ok(peer.machine.no(Some(code), "The charset is not known")?);
            }
            Err(Unsearchable::Key) => return Ok(peer.machine.bad(None, "Not supported here")?),
        };
        // What the client does not know of is not to be found.
        let view = &selected.view;
        let within = view.still_there(&view.by_uid([(Some(1), None)]));
        let found = match search::search(&selected.mailbox, &query, &within).await {
            Ok(found) => found,
            Err(error) => {
                // RFC 5182 section 2.1: after NO, nothing is saved.
                if saves {
                    selected.saved = UidSet::new();
                }
                return self.fail(&error, peer);
            }
        };
        let modseq = if by_modseq {
            match highest(&selected.mailbox, &shown(&found, returns)).await {
                Ok(highest) => highest,
                Err(error) => {
                    if saves {
                        selected.saved = UidSet::new();
                    }
                    return self.fail(&error, peer);
                }
            }
        } else {
            None
        };
        match returns {
            None if search.uid => {
                peer.machine.search(found.select(view.uids()).map(Uid::get), modseq)?;
            }
            None => peer.machine.search(view.seqs_of(&found), modseq)?,
            // RFC 5182 section 2.1: to save alone says nothing.
            Some(SearchReturn::SAVE) => {}
            Some(returns) => {
                let numbers = if search.uid {
                    found.select(view.uids()).collect()
                } else {
                    UidSet::from_ranges(view.seqs_of(&found).map(|n| (n, n)))
                };
                extended(&numbers, search.uid, returns, modseq, peer)?;
            }
        }
        if saves {
            selected.saved = shown(&found, returns);
        }
        // RFC 7162 section 3.2.10.2
        let by_number = mentions(&search.key, |key| matches!(key, SearchKey::Sequence(_)));
        let expunges = if search.uid && !by_number { Expunges::Told } else { Expunges::Withheld };
        self.tell(expunges, peer).await?;
        // What was not found may be what another session expunged (RFC 2180 section 4.3): RFC 5530 section 3.
        let withholds = self.selected.as_deref().is_some_and(|s| s.view.withholds());
        Ok(peer.machine.ok(withholds.then_some(EXPUNGED.0), "SEARCH completed")?)
    }
}

/// Whether a key, or one within it, is such a one.
fn mentions(key: &SearchKey<'_>, is: impl Fn(&SearchKey<'_>) -> bool) -> bool {
    let mut todo = vec![key];
    while let Some(key) = todo.pop() {
        match key {
            SearchKey::Not(inner) => todo.push(inner),
            SearchKey::And(all) | SearchKey::Or(all) => todo.extend(all),
            leaf if is(leaf) => return true,
            _ => {}
        }
    }
    false
}

/// Of what was found, the messages the answer speaks of (RFC 4731 section 3.2), which are those it saves (RFC 5182 section 2.4).
fn shown(found: &UidSet, returns: Option<SearchReturn>) -> UidSet {
    match returns {
        Some(returns)
            if returns.intersects(SearchReturn::MIN | SearchReturn::MAX)
                && !returns.intersects(SearchReturn::ALL | SearchReturn::COUNT) =>
        {
            let min = found.first().filter(|_| returns.contains(SearchReturn::MIN));
            let max = found.last().filter(|_| returns.contains(SearchReturn::MAX));
            min.into_iter().chain(max).collect()
        }
        _ => found.clone(),
    }
}

/// The greatest modseq among these messages; `None` where there is none.
async fn highest<M: Mailbox>(mailbox: &M, uids: &UidSet) -> StoreResult<Option<u64>> {
    let mut highest = None;
    let mut left = uids.clone();
    while !left.is_empty() {
        let batch = mailbox.meta(&left, MetaItems::FLAGS, None, BATCH).await?;
        highest = highest.max(batch.items.iter().map(|m| m.modseq.0).max());
        match batch.resume_after {
            Some(after) => left = after_uid(&left, after),
            None => break,
        }
    }
    Ok(highest)
}

/// ESEARCH (RFC 4731): `numbers` are UIDs or sequence numbers.
fn extended(
    numbers: &UidSet,
    uid: bool,
    returns: SearchReturn,
    modseq: Option<u64>,
    peer: &mut Client<'_>,
) -> Result<(), mail_wire::Misuse> {
    let mut data = EsearchData::default();
    data.uid = uid;
    data.modseq = modseq;
    let wanted = |item, value: Option<u32>| value.filter(|_| returns.contains(item));
    data.min = wanted(SearchReturn::MIN, numbers.first().map(Uid::get));
    data.max = wanted(SearchReturn::MAX, numbers.last().map(Uid::get));
    data.count = wanted(SearchReturn::COUNT, u32::try_from(numbers.len()).ok());
    if returns.contains(SearchReturn::ALL) {
        data.all = Some(numbers.ranges());
    }
    peer.machine.esearch(&data)
}
