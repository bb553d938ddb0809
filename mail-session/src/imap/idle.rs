//! IDLE (RFC 2177): the store's hints wake the client, never a clock.

use mailstore_api::{Account, Hint, Interest, MailStore, Result as StoreResult};

use super::session::{Answer, Client, Session, Watching};
use crate::{auth::Authority, view::Expunges};

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn idle(&mut self, peer: &mut Client<'_>) -> Answer {
        if let Some(selected) = &mut self.selected {
            selected.last_read = None;
        }
        // Watch first, then look: whatever comes after the look leads to a hint.
        if let (Some(account), Some(selected)) = (&self.account, &self.selected) {
            match account.watch(Interest::Mailboxes(vec![selected.id.clone()])).await {
                Ok(watch) => self.watching = Some(Box::new(Watching::new(watch))),
                Err(error) => return self.fail(&error, peer),
            }
        }
        peer.machine.accept_idle()?;
        self.tell(Expunges::Told, peer).await
    }

    /// Something may have changed while the client idles.
    pub(super) async fn changed(&mut self, hint: StoreResult<Hint>, peer: &mut Client<'_>) -> Answer {
        match hint {
            Ok(Hint::Closed) => peer.machine.shutdown("The mail store goes away"),
            Ok(_) => self.tell(Expunges::Told, peer).await?,
            Err(error) => {
                // Silence would be taken for an empty mailbox.
                tracing::warn!(%error, "the watch failed");
                peer.machine.shutdown("The mail store is not available");
            }
        }
        Ok(())
    }
}
