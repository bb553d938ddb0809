//! Commands this crate has no type for.

use mail_wire::Misuse;

use super::{
    event::Tag,
    machine::{Client, Turn},
    pending::is_one_line,
};
use crate::types::CommandKind;

impl Client {
    /// Issues a command of an extension that this crate does not know: without tag and CRLF, its literals as `{n}`, CRLF and n
    /// octets. Whether they wait is decided here, as for any command. Its untagged responses come as
    /// [`Response::Other`](crate::types::Response::Other), a `+` that no literal waits for as
    /// [`Event::Continue`](super::Event::Continue), to be answered by [`raw_line`](Self::raw_line).
    ///
    /// A command that this crate knows is one of its kind: its place is checked, and its end moves the connection's state.
    ///
    /// # Errors
    /// [`Misuse`] as for [`command`](Self::command); for those that have a method of
    /// their own; where the text has no name, or line ends or NUL outside of its literals.
    pub fn raw(&mut self, command: &[u8]) -> Result<Tag, Misuse> {
        let kind = kind(command);
        if !is_one_line(command) || !command.first().is_some_and(u8::is_ascii_alphanumeric) {
            return Err(Misuse { called: "raw", state: "the command is not one line" });
        }
        match kind {
            CommandKind::Raw if !matches!(self.turn, Turn::Ready) => return self.misuse("raw"),
            CommandKind::Raw => {}
            kind if has_its_own_method(kind) => {
                return Err(Misuse { called: "raw", state: "the command has a method of its own" });
            }
            kind => self.may_issue(kind)?,
        }
        if kind == CommandKind::Login {
            self.fresh = false;
        }
        Ok(self.issue(kind, true, |out| out.extend_from_slice(command)))
    }

    /// Answers a `+` of a raw command with a line, without its CRLF.
    ///
    /// # Errors
    /// [`Misuse`] where no raw command is in flight, and where the line has line ends in it.
    pub fn raw_line(&mut self, line: &[u8]) -> Result<(), Misuse> {
        let is_line = !line.iter().any(|b| matches!(b, b'\r' | b'\n'));
        if !is_line || !self.in_flight.iter().any(|c| c.kind == CommandKind::Raw) {
            return self.misuse("raw_line");
        }
        self.out.put(line);
        self.out.put(b"\r\n");
        Ok(())
    }
}

/// Which command begins so; `Raw` where none of this crate's does.
fn kind(command: &[u8]) -> CommandKind {
    let named = |kind: &&CommandKind| {
        let name = kind.name().as_bytes();
        command.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && command.get(name.len()).is_none_or(|b| *b == b' ')
    };
    CommandKind::EACH.iter().find(named).copied().unwrap_or(CommandKind::Raw)
}

const fn has_its_own_method(kind: CommandKind) -> bool {
    matches!(
        kind,
        CommandKind::Authenticate
            | CommandKind::StartTls
            | CommandKind::Append
            | CommandKind::Replace
            | CommandKind::UidReplace
            | CommandKind::Idle
            | CommandKind::Compress
            | CommandKind::Unauthenticate
    )
}
