//! What a client knows of its mailbox, from all that it was told: the rules of RFC 9051 sections 5.5, 7.4.1 and 7.5.1 are checked at every line.
use imap4_proto::types::{
    Attribute, Capabilities, Code, Reading, Response, ResponseCode, SequenceSet, Status,
};

/// One message as the client knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Its UID, once told.
    pub uid: Option<u32>,
    modseq: u64,
}

/// A client's view.
#[derive(Debug, Default)]
pub struct Model {
    /// The messages by sequence number; `None` where no mailbox is selected.
    pub messages: Option<Vec<Known>>,
    /// What SELECT named, in capitals.
    pub mailbox: String,
    /// QRESYNC was enabled: VANISHED takes the place of EXPUNGE.
    qresync: bool,
}

/// While what was answered.
struct During<'c> {
    command: &'c str,
    /// Numbers that were meant before must mean the same.
    by_number: bool,
    selects: bool,
}

fn read(line: &[u8]) -> Response<'_> {
    match Response::parse(line, Reading::TOLERANT) {
        Ok(response) => response,
        Err(e) => panic!("{e:?}: {}", line.escape_ascii()),
    }
}

fn is_closed(line: &[u8]) -> bool {
    matches!(read(line), Response::Condition { text, .. } if text.code == Some(ResponseCode::Plain(Code::Closed)))
}

impl Model {
    /// The answer to `command`, which is in capitals: responses, the tagged one last.
    ///
    /// # Panics
    /// Where a rule is broken.
    pub fn hear(&mut self, command: &str, lines: &[Vec<u8>]) {
        let Some((last, untagged)) = lines.split_last() else { return };
        let Response::Tagged { status, .. } = read(last) else { panic!("no tag: {}", last.escape_ascii()) };
        let mut words = command.split(' ');
        let first = words.next().unwrap_or_default();
        let verb = if first == "UID" { words.next().unwrap_or_default() } else { first };
        let by_number = matches!(first, "FETCH" | "STORE" | "SEARCH");
        // A SELECT that is BAD leaves the mailbox open, unless it is said to be closed; another that fails does not.
        let closed = untagged.iter().rposition(|l| is_closed(l));
        let selects = matches!(verb, "SELECT" | "EXAMINE") && (status != Status::Bad || closed.is_some());
        let mut own = untagged;
        if selects {
            if let Some(at) = closed {
                self.all(&untagged[..at], &During { command, by_number: false, selects: false });
                own = &untagged[at + 1..];
            }
            self.messages = Some(Vec::new());
            self.mailbox = words.next().unwrap_or_default().to_owned();
        }
        self.all(own, &During { command, by_number, selects });
        let leaves =
            matches!(verb, "CLOSE" | "UNSELECT" | "LOGOUT" | "UNAUTHENTICATE") && status == Status::Ok;
        if leaves || (selects && status != Status::Ok) {
            self.messages = None;
        }
    }

    fn all(&mut self, lines: &[Vec<u8>], during: &During<'_>) {
        for line in lines {
            let response = read(line);
            let what = || format!("{} during {:?}", line.escape_ascii(), during.command);
            match response {
                Response::Enabled(list) => self.qresync |= list.known().contains(Capabilities::QRESYNC),
                Response::Exists(n) => {
                    let messages = self.selected(&what);
                    assert!(
                        n as usize > messages.len() || during.selects,
                        "{}: there were {}",
                        what(),
                        messages.len()
                    );
                    messages.resize(n as usize, Known::default());
                }
                Response::Expunge(n) => {
                    assert!(!self.qresync && !during.by_number, "{}", what());
                    let at = self.number(n, &what);
                    self.selected(&what).remove(at);
                }
                Response::Vanished { earlier: false, uids } => {
                    assert!(self.qresync && !during.by_number, "{}", what());
                    self.vanish(uids, &what);
                }
                Response::Fetch(fetched) => {
                    let at = self.number(fetched.number, &what);
                    let messages = self.selected(&what);
                    if let Some(uid) = fetched.items.uid() {
                        let before = messages[at].uid;
                        assert!(before.is_none_or(|b| b == uid), "{}: its UID was {before:?}", what());
                        let below = messages[..at].iter().rev().find_map(|m| m.uid);
                        let above = messages[at + 1..].iter().find_map(|m| m.uid);
                        let ascends = below.is_none_or(|b| b < uid) && above.is_none_or(|a| uid < a);
                        assert!(ascends, "{}: UIDs do not ascend", what());
                        messages[at].uid = Some(uid);
                    }
                    for item in fetched.items.iter() {
                        if let Attribute::ModSeq(modseq) = item {
                            assert!(messages[at].modseq <= modseq, "{}: an older state", what());
                            messages[at].modseq = modseq;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn selected(&mut self, what: &impl Fn() -> String) -> &mut Vec<Known> {
        match &mut self.messages {
            Some(messages) => messages,
            None => panic!("{}, and nothing is selected", what()),
        }
    }

    fn number(&mut self, n: u32, what: &impl Fn() -> String) -> usize {
        let len = self.selected(what).len();
        assert!((1..=len).contains(&(n as usize)), "{}: there are {len}", what());
        n as usize - 1
    }

    fn vanish(&mut self, uids: SequenceSet<'_>, what: &impl Fn() -> String) {
        let messages = self.selected(what);
        for (a, b) in uids.resolve(0) {
            assert!(b - a < 10_000, "{}", what());
            for uid in a..=b {
                // Among neighbours without a known UID, which of them went makes no difference.
                let exact = messages.iter().position(|m| m.uid == Some(uid));
                let below = || messages.iter().rposition(|m| m.uid.is_some_and(|u| u < uid));
                let at = exact.unwrap_or_else(|| below().map_or(0, |i| i + 1));
                let there = messages.get(at).is_some_and(|m| m.uid.is_none_or(|u| u == uid));
                assert!(there, "{}: the client does not count it", what());
                messages.remove(at);
            }
        }
    }
}
