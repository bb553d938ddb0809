//! APPEND (RFC 9051 section 6.3.12), streamed: whether a message is wanted is said before its octets come, and
//! nothing of it is visible before all of it is there.

use imap4_proto::{
    server::AppendBegin,
    types::{AppendMessage, Capabilities, Code, Flag, FlagList},
};
use mailstore_api::{
    Account, AppendSpec, ErrorKind, Flags, InternalDate, MailStore, MailboxId, Staged, StoreError, UidSet,
};

use super::{
    failure, names,
    search_key::system_flags,
    session::{Answer, Client, Session},
};
use crate::{auth::Authority, view::Expunges};

/// An APPEND under way.
pub(super) struct Append<S> {
    target: MailboxId,
    staged: Vec<S>,
    /// Looks for octets that the present message's header must not have.
    header: Option<HeaderScan>,
}

/// Where in a message's header the octets so far end.
#[derive(Default)]
struct HeaderScan {
    is_in_line: bool,
}

impl HeaderScan {
    /// Looks at the next octets: whether all of the header among them is ASCII, and whether it goes on.
    fn push(&mut self, octets: &[u8]) -> (bool, bool) {
        for octet in octets {
            match octet {
                0x80.. => return (false, true),
                b'\n' if !self.is_in_line => return (true, false),
                b'\n' => self.is_in_line = false,
                b'\r' => {}
                _ => self.is_in_line = true,
            }
        }
        (true, true)
    }
}

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn append_begin(&mut self, begin: AppendBegin<'_>, peer: &mut Client<'_>) -> Answer {
        self.append = None;
        if begin.replaces.is_some() || begin.message.catenate.is_some() {
            return Ok(peer.machine.bad(None, "Not supported here")?);
        }
        let Ok(name) = names::parse(&begin.mailbox, self.config.delimiter) else {
            return Ok(peer.machine.refuse_literal(Some(Code::Cannot), "Not a mailbox name")?);
        };
        let Some(account) = &self.account else { return refuse(&ErrorKind::NoPerm.into(), peer) };
        let target = match names::target(&**account, &name).await {
            Ok(target) => target,
            Err(error) => return refuse(&error, peer),
        };
        self.append = Some(Box::new(Append { target, staged: Vec::new(), header: None }));
        self.stage(begin.message, peer).await
    }

    /// The message before is whole; one more comes (RFC 3502).
    pub(super) async fn append_next(&mut self, message: AppendMessage<'_>, peer: &mut Client<'_>) -> Answer {
        if let Some(staged) = self.append.as_mut().and_then(|a| a.staged.last_mut())
            && let Err(error) = staged.finish().await
        {
            self.append = None;
            return refuse(&error, peer);
        }
        self.stage(message, peer).await
    }

    async fn stage(&mut self, message: AppendMessage<'_>, peer: &mut Client<'_>) -> Answer {
        let (Some(account), Some(append)) = (&self.account, &mut self.append) else {
            return refuse(&ErrorKind::NoPerm.into(), peer);
        };
        if message.len == 0 {
            // RFC 3502 section 6.3.11: "can be used to cancel the append".
            self.append = None;
            return Ok(peer.machine.refuse_literal(None, "A message without octets; nothing is appended")?);
        }
        let Some(flags) = flags(&message.flags) else {
            self.append = None;
            return Ok(peer.machine.refuse_literal(Some(Code::Cannot), "No such flag can be set")?);
        };
        let is_utf8 = message.utf8 || peer.machine.enabled().contains(Capabilities::UTF8_ACCEPT);
        append.header = (!self.config.eight_bit_headers && !is_utf8).then(HeaderScan::default);
        let staged = if account.append_limit(Some(&append.target)).is_some_and(|limit| message.len > limit) {
            Err(ErrorKind::TooBig.into())
        } else {
            let internal_date =
                message.date.map(|d| InternalDate { seconds: d.seconds, zone_minutes: d.zone_minutes });
            let spec = AppendSpec { flags, internal_date, declared_len: Some(message.len) };
            account.stage(&append.target, spec).await
        };
        match staged {
            Ok(staged) => {
                append.staged.push(staged);
                Ok(peer.machine.accept_literal()?)
            }
            Err(error) => {
                self.append = None;
                refuse(&error, peer)
            }
        }
    }

    pub(super) async fn append_chunk(&mut self, octets: &[u8], peer: &mut Client<'_>) -> Answer {
        if let Some((is_ascii, goes_on)) =
            self.append.as_mut().and_then(|a| a.header.as_mut()).map(|h| h.push(octets))
        {
            if !is_ascii {
                // RFC 6855 section 4
                self.append = None;
                let text = "A header with octets beyond ASCII, and UTF8=ACCEPT is not enabled";
                return Ok(peer.machine.refuse_literal(Some(Code::Cannot), text)?);
            }
            if let Some(append) = self.append.as_mut().filter(|_| !goes_on) {
                append.header = None;
            }
        }
        let Some(staged) = self.append.as_mut().and_then(|a| a.staged.last_mut()) else {
            return refuse(&ErrorKind::Internal.into(), peer);
        };
        match staged.write(octets).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.append = None;
                refuse(&error, peer)
            }
        }
    }

    pub(super) async fn append_end(&mut self, peer: &mut Client<'_>) -> Answer {
        let (Some(account), Some(append)) = (&self.account, self.append.take()) else {
            return self.fail(&ErrorKind::Internal.into(), peer);
        };
        let Append { target, mut staged, header: _ } = *append;
        let finished = match staged.last_mut() {
            Some(last) => last.finish().await.map(|_| ()),
            None => Ok(()),
        };
        let outcome = match finished {
            Ok(()) => account.commit(&target, staged, None).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(outcome) => {
                self.tell(Expunges::Told, peer).await?;
                let uids: UidSet = outcome.uids.into_iter().collect();
                let code = Code::AppendUid { uid_validity: outcome.uid_validity.get(), uids: uids.ranges() };
                Ok(peer.machine.ok(Some(code), "APPEND completed")?)
            }
            Err(error) => {
                let (code, text) = failure::of_target(&error);
                Ok(peer.machine.no(code, &text)?)
            }
        }
    }
}

fn refuse(error: &StoreError, peer: &mut Client<'_>) -> Answer {
    let (code, text) = failure::of_target(error);
    Ok(peer.machine.refuse_literal(code, &text)?)
}

/// Flags a client may set; `None` where one of them is none it can. `\Recent` is passed over: clients copy
/// what FETCH showed them.
pub(super) fn flags(list: &FlagList<'_>) -> Option<Flags> {
    let mut flags = Flags::system(system_flags(list.system()));
    for flag in list.iter() {
        match flag {
            Flag::System(_) => {}
            Flag::Keyword(keyword) => {
                if !flags.has_keyword(keyword) {
                    flags.keywords.push(keyword.to_owned());
                }
            }
            _ => return None,
        }
    }
    Some(flags)
}
