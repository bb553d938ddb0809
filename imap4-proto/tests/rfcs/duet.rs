//! Both machines, wire to wire: what one says the other must understand.

use imap4_proto::{
    server::{Config, Event, Server},
    types::Command,
};

use crate::{
    client::Peer,
    common::{Talk, config},
};

/// What the client hears that the server can do.
const CAPABILITIES: &str = "WITHIN SORT SORT=DISPLAY THREAD=ORDEREDSUBJECT THREAD=REFERENCES ESORT CONTEXT=SEARCH CONTEXT=SORT \
    PARTIAL SAVEDATE PREVIEW OBJECTID REPLACE QUOTA QUOTASET QUOTA=RES-STORAGE METADATA ACL RIGHTS=texk COMPRESS=DEFLATE \
    UNAUTHENTICATE NOTIFY UIDONLY CATENATE URLAUTH MULTISEARCH LIST-METADATA LIST-MYRIGHTS SEARCH=FUZZY JMAPACCESS MULTIAPPEND \
    ENABLE";

pub(crate) struct Duet {
    pub(crate) talk: Talk,
    pub(crate) peer: Peer,
    /// What the server has said since the last look.
    pub(crate) said: String,
}

pub(crate) type Host<'h> = &'h mut dyn FnMut(&mut Server, Event<'_>);

impl Duet {
    /// In a selected mailbox, every extension on.
    pub(crate) fn selected() -> Self {
        Self::with(config(), true)
    }

    pub(crate) fn with(config: Config, selected: bool) -> Self {
        let peer = if selected { Peer::selected(CAPABILITIES) } else { Peer::authenticated(CAPABILITIES) };
        Self { talk: Talk::logged_in(config, selected), peer, said: String::new() }
    }

    /// Carries octets to and fro until there are none.
    pub(crate) fn carry(&mut self, host: Host<'_>) {
        loop {
            let to_server = self.peer.output();
            let to_client = self.talk.send(to_server.as_bytes(), host);
            self.said.push_str(&to_client);
            self.peer.server(&to_client);
            if to_server.is_empty() && to_client.is_empty() {
                return;
            }
        }
    }

    /// What the server has said must be this, line for line.
    pub(crate) fn says(&mut self, lines: &str) {
        let lines = lines.lines().map(str::trim).filter(|l| !l.is_empty());
        // What stands before a bar is no part of the line.
        let wanted: String = lines.map(|l| format!("{}\r\n", l.strip_prefix('|').unwrap_or(l))).collect();
        assert_eq!(std::mem::take(&mut self.said), wanted);
    }

    /// The client issues this command, the host answers, and these are the server's lines; `$` stands for the tag. What the client
    /// hears of them.
    pub(crate) fn ask(
        &mut self,
        wire: &str,
        mut host: impl FnMut(&mut Server, Command<'_>),
        answer: &str,
    ) -> Vec<String> {
        let command =
            Command::parse(wire.as_bytes(), false).unwrap_or_else(|| panic!("{wire} is no command"));
        let tag = self.peer.client.command(&command).unwrap();
        self.peer.heard.clear();
        self.carry(&mut |server, event| match event {
            Event::Command(heard) => {
                assert_eq!(heard, command, "{wire}");
                host(server, heard);
            }
            Event::Answered(_) => {}
            other => panic!("{other:?}"),
        });
        self.said = self.said.replace("+ Ready for literal data\r\n", "");
        self.says(&answer.replace("$ ", &format!("{tag} ")).replace("\"$\"", &format!("\"{tag}\"")));
        self.peer.heard.retain(|h| h != "Continued");
        for heard in &self.peer.heard {
            assert!(
                !heard.contains("Invalid") && !heard.contains("Other(") && !heard.contains("Malformed"),
                "{heard}"
            );
        }
        std::mem::take(&mut self.peer.heard)
    }

    /// As [`ask`](Self::ask), where only the end is told.
    pub(crate) fn done(&mut self, wire: &str, host: impl FnMut(&mut Server, Command<'_>)) {
        self.ask(wire, host, "$ OK done");
    }

    /// The server machine answers this line, sent with tag `a`, by itself.
    pub(crate) fn refused(&mut self, wire: &str, answer: &str) {
        let got = self.talk.send(format!("a {wire}\r\n").as_bytes(), &mut |_, event| match event {
            Event::Answered(_) => {}
            other => panic!("{other:?}"),
        });
        assert_eq!(got, format!("a {answer}\r\n"), "{wire}");
    }
}

/// Answers a command with OK.
pub(crate) fn ok(server: &mut Server) {
    server.ok(None, "done").unwrap();
}

/// A server without this extension takes its commands for unknown.
pub(crate) fn off(without: imap4_proto::types::Capabilities, lines: &[(&str, &str)]) {
    let mut config = config();
    config.capabilities = config.capabilities.without(without);
    config.limits.bad_commands = 100;
    let mut duet = Duet::with(config, true);
    for (line, answer) in lines {
        duet.refused(line, answer);
    }
}
