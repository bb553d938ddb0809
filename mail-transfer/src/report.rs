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
    pub(crate) fn add_notes(&mut self, notes: impl IntoIterator<Item = String>) {
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
