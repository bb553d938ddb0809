//! SEARCH and UID SEARCH (RFC 9051 section 6.4.4).

use imap4_proto::types::{Code, EsearchData, Search, SearchReturn};
use mailstore_api::{MailStore, UidSet};

use super::{
    search_key::{Charset, Unsearchable, resolve},
    session::{Answer, Client, Session, nothing_saved},
};
use crate::{auth::Authority, search, view::Expunges};

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn search(&mut self, search: Search<'_>, peer: &mut Client<'_>) -> Answer {
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        let query = Charset::named(search.charset.as_ref())
            .and_then(|charset| resolve(&search.key, charset, &selected.view));
        let query = match query {
            Ok(query) => query,
            Err(Unsearchable::Charset) => {
                let code = Code::BadCharset(Charset::KNOWN);
                return Ok(peer.machine.no(Some(code), "The charset is not known")?);
            }
            Err(Unsearchable::NotSaved) => return nothing_saved(peer),
            Err(Unsearchable::Key) => return Ok(peer.machine.bad(None, "Not supported here")?),
        };
        // What the client does not know of is not to be found.
        let view = &selected.view;
        let within = view.still_there(&view.by_uid([(Some(1), None)]));
        let found = match search::search(&selected.mailbox, &query, &within).await {
            Ok(found) => found,
            Err(error) => return self.fail(&error, peer),
        };
        match search.returns {
            None if search.uid => {
                peer.machine.search(found.select(view.uids()).map(mailstore_api::Uid::get), None)?;
            }
            None => peer.machine.search(view.seqs_of(&found), None)?,
            Some(returns) => {
                let numbers = if search.uid {
                    found.select(view.uids()).collect()
                } else {
                    UidSet::from_ranges(view.seqs_of(&found).map(|n| (n, n)))
                };
                extended(&numbers, search.uid, returns, peer)?;
            }
        }
        let expunges = if search.uid { Expunges::Told } else { Expunges::Withheld };
        self.tell(expunges, peer).await?;
        Ok(peer.machine.ok(None, "SEARCH completed")?)
    }
}

/// ESEARCH (RFC 4731): `numbers` are UIDs or sequence numbers.
fn extended(
    numbers: &UidSet,
    uid: bool,
    returns: SearchReturn,
    peer: &mut Client<'_>,
) -> Result<(), mail_wire::Misuse> {
    let mut data = EsearchData::default();
    data.uid = uid;
    let wanted = |item, value: Option<u32>| value.filter(|_| returns.contains(item));
    data.min = wanted(SearchReturn::MIN, numbers.first().map(mailstore_api::Uid::get));
    data.max = wanted(SearchReturn::MAX, numbers.last().map(mailstore_api::Uid::get));
    data.count = wanted(SearchReturn::COUNT, u32::try_from(numbers.len()).ok());
    if returns.contains(SearchReturn::ALL) {
        data.all = Some(numbers.ranges());
    }
    peer.machine.esearch(&data)
}
