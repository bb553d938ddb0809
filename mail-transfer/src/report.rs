use mailstore_api::MailboxName;

/// Notes a report keeps; more are counted.
const NOTES_MAX: usize = 1_000;

/// What an export or import did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Mailboxes written or read.
    pub mailboxes: u64,
    /// Messages transferred.
    pub messages: u64,
    /// Their octets, as the store has them.
    pub octets: u64,
    /// Messages that were there already, and were not imported again.
    pub present: u64,
    /// Messages that were not transferred, since they are damaged or too big; each has a note.
    pub left_out: u64,
    /// What a person should know; at most 1,000.
    pub notes: Vec<String>,
    /// Notes beyond these.
    pub more_notes: u64,
}

impl Report {
    /// One message more that was not transferred.
    pub(crate) fn leave_out(&mut self, note: String) {
        self.left_out += 1;
        self.add_notes([note]);
    }

    /// Tells how far an import is; `position` is the source's.
    pub(crate) fn tell(
        &self,
        mailbox: &MailboxName,
        position: (u64, Option<u64>),
        progress: &mut dyn FnMut(&Progress<'_>),
    ) {
        let (done, total) = position;
        let messages = self.messages + self.present;
        progress(&Progress { mailbox, messages, octets: self.octets, done, total });
    }

    /// Notes of what could not be kept; beyond some hundred they are only counted.
    pub fn add_notes(&mut self, notes: impl IntoIterator<Item = String>) {
        for note in notes {
            if self.notes.len() < NOTES_MAX {
                self.notes.push(note);
            } else {
                self.more_notes += 1;
            }
        }
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The mailbox that is worked on.
    pub mailbox: &'a MailboxName,
    /// Messages transferred or found to be there.
    pub messages: u64,
    /// Their octets.
    pub octets: u64,
    /// Units of work done.
    pub done: u64,
    /// Units in all, where that is known.
    pub total: Option<u64>,
}
