//! Plays a script against a server.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    pattern::{Kept, matches, substitute},
    script::{Action, Script, Step, unescape},
};

/// How long a line may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing may come.
const QUIET: Duration = Duration::from_millis(300);

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    tags: VecDeque<String>,
    commands: usize,
    /// Lines read and not yet looked at by an expectation.
    unread: VecDeque<String>,
}

/// Plays all steps. With several servers, which are processes on one store, each connection that is new goes to the next of them.
///
/// # Errors
/// The line of the script that does not hold, what came instead, and the conversation's end.
pub(crate) fn play(
    script: &Script,
    servers: &[String],
    users: [&str; 2],
    is_control: bool,
) -> Result<(), String> {
    let mut kept = Kept::new();
    kept.insert("user".to_owned(), users[0].to_owned());
    kept.insert("user2".to_owned(), users[1].to_owned());
    let mut player = Player {
        script,
        servers,
        kept,
        places: HashMap::new(),
        connections: HashMap::new(),
        log: Vec::new(),
    };
    // An answer there is, whatever the control says in it.
    let mut all = script.steps.clone();
    if is_control {
        all.retain(|s| !s.ours_only || matches!(s.action, Action::Tagged(_)));
        for step in all.iter_mut().filter(|s| s.ours_only) {
            step.action = Action::Tagged("...".to_owned());
        }
    }
    let mut steps: VecDeque<&Step> = all.iter().collect();
    while let Some(step) = steps.pop_front() {
        // Expectations stand together up to the tagged answer, if there is one.
        let mut group = vec![step];
        let is_expectation =
            |s: &Step| matches!(s.action, Action::Ordered(_) | Action::Somewhere(_) | Action::Never(_));
        if is_expectation(step) {
            while let Some(next) =
                steps.front().filter(|n| n.connection == step.connection && is_expectation(n))
            {
                group.push(next);
                steps.pop_front();
            }
            if let Some(next) = steps.front().filter(|n| n.connection == step.connection)
                && matches!(next.action, Action::Tagged(_))
            {
                group.push(next);
                steps.pop_front();
            }
        }
        player.group(&group).map_err(|what| {
            let begin = player.log.len().saturating_sub(24);
            format!(
                "line {}: {what}\n    {}",
                group[group.len() - 1].line,
                player.log[begin..].join("\n    ")
            )
        })?;
    }
    Ok(())
}

struct Player<'s> {
    script: &'s Script,
    servers: &'s [String],
    kept: Kept,
    /// Which of the servers each connection goes to.
    places: HashMap<String, usize>,
    connections: HashMap<String, Connection>,
    log: Vec<String>,
}

impl Player<'_> {
    fn note(&mut self, line: String) {
        if std::env::var_os("DIALOGUE_TRACE").is_some() {
            eprintln!("{line}");
        }
        self.log.push(line);
    }

    fn group(&mut self, group: &[&Step]) -> Result<(), String> {
        let name = group[0].connection.as_str();
        match &group[0].action {
            Action::Open => return self.open(name),
            Action::Login(user) => {
                let user = substitute(user, &self.kept);
                return self.login(name, &user);
            }
            Action::At(process) => {
                self.places.insert(name.to_owned(), process - 1);
                return Ok(());
            }
            Action::Shut => {
                self.connections.remove(name);
                return Ok(());
            }
            _ => {}
        }
        if !self.connections.contains_key(name) {
            let user = self.kept["user"].clone();
            self.login(name, &user)?;
        }
        match &group[0].action {
            Action::Command(text) => self.command(name, text),
            Action::Line(text) => {
                let text = substitute(text, &self.kept);
                self.send(name, &[unescape(&text), b"\r\n".to_vec()].concat())
            }
            Action::Continuation(text) => {
                let line = self.next(name)?;
                let pattern = format!("+ {text}");
                if line.starts_with('+') && (text.is_empty() || matches(&pattern, &line, &mut self.kept)) {
                    return Ok(());
                }
                Err(format!("expected {pattern:?}, got {line:?}"))
            }
            Action::Quiet => match self.read_line(name, QUIET)? {
                None => Ok(()),
                Some(line) => Err(format!("expected nothing, got {line:?}")),
            },
            Action::Closed => loop {
                match self.read_line(name, PATIENCE) {
                    Ok(Some(_)) => {}
                    Ok(None) => return Err("the connection is still open".to_owned()),
                    Err(_) => return Ok(()),
                }
            },
            _ => self.expect(name, group),
        }
    }

    fn open(&mut self, name: &str) -> Result<(), String> {
        let next = self.places.len();
        let place = *self.places.entry(name.to_owned()).or_insert(next);
        let stream =
            TcpStream::connect(&self.servers[place % self.servers.len()]).map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let connection = Connection {
            stream,
            input: Vec::new(),
            tags: VecDeque::new(),
            commands: 0,
            unread: VecDeque::new(),
        };
        self.connections.insert(name.to_owned(), connection);
        let greeting = self.next(name)?;
        if greeting.starts_with("* OK") { Ok(()) } else { Err(format!("greeting {greeting:?}")) }
    }

    fn login(&mut self, name: &str, user: &str) -> Result<(), String> {
        self.open(name)?;
        self.command(name, &format!("LOGIN {user} secret"))?;
        let tagged = self.read_tagged(name)?.1;
        if tagged.starts_with("OK") { Ok(()) } else { Err(format!("login: {tagged:?}")) }
    }

    fn send(&mut self, name: &str, octets: &[u8]) -> Result<(), String> {
        self.note(format!("{name}> {}", String::from_utf8_lossy(octets).trim_end()));
        let connection = self.connections.get_mut(name).ok_or("not connected")?;
        connection.stream.write_all(octets).map_err(|e| format!("cannot send: {e}"))
    }

    /// Sends a command, with what literals it has.
    fn command(&mut self, name: &str, text: &str) -> Result<(), String> {
        let connection = self.connections.get_mut(name).ok_or("not connected")?;
        connection.commands += 1;
        let tag = format!("{}{}", name.to_lowercase(), connection.commands);
        connection.tags.push_back(tag.clone());
        self.kept.insert("tag".to_owned(), tag.clone());
        let mut octets = format!("{tag} ").into_bytes();
        let text = substitute(text, &self.kept);
        let mut rest = text.as_str();
        while let Some((before, literal, waits, after)) = self.literal(rest) {
            octets.extend_from_slice(&unescape(before));
            let plus = if waits { "" } else { "+" };
            octets.extend_from_slice(format!("{{{}{plus}}}\r\n", literal.len()).as_bytes());
            rest = after;
            if waits {
                self.send(name, &octets)?;
                octets.clear();
                let line = self.next(name)?;
                if !line.starts_with('+') {
                    // Refused: what else there is to say of it, the script says.
                    let connection = self.connections.get_mut(name).ok_or("not connected")?;
                    connection.unread.push_front(line);
                    return Ok(());
                }
            }
            octets.extend_from_slice(&literal);
        }
        octets.extend_from_slice(&unescape(rest));
        octets.extend_from_slice(b"\r\n");
        self.send(name, &octets)
    }

    /// What stands before `{NAME}`, the message, whether it waits, what stands behind it.
    fn literal<'t>(&self, text: &'t str) -> Option<(&'t str, Vec<u8>, bool, &'t str)> {
        let mut from = 0;
        while let Some(open) = text[from..].find('{').map(|i| from + i) {
            let close = open + text[open..].find('}')?;
            let name = &text[open + 1..close];
            let (name, waits) = name.strip_suffix('+').map_or((name, true), |n| (n, false));
            if let Some(octets) = self.script.messages.get(name) {
                return Some((&text[..open], octets.clone(), waits, &text[close + 1..]));
            }
            from = close;
        }
        None
    }

    fn expect(&mut self, name: &str, group: &[&Step]) -> Result<(), String> {
        if let Action::Tagged(tagged) = &group[group.len() - 1].action {
            let (lines, answer) = self.read_tagged(name)?;
            let mut expected: Vec<(&Step, bool)> = group.iter().map(|s| (*s, false)).collect();
            let mut from = 0;
            for (step, met) in &mut expected {
                match &step.action {
                    Action::Ordered(pattern) => {
                        let at = (from..lines.len()).find(|i| matches(pattern, &lines[*i], &mut self.kept));
                        from = at.ok_or_else(|| missing(step, pattern, &lines))? + 1;
                        *met = true;
                    }
                    Action::Somewhere(pattern)
                        if !lines.iter().any(|l| matches(pattern, l, &mut self.kept)) =>
                    {
                        return Err(missing(step, pattern, &lines));
                    }
                    Action::Never(pattern) => {
                        if let Some(line) = lines.iter().find(|l| matches(pattern, l, &mut self.kept)) {
                            return Err(format!("(line {}) must not come: {line:?}", step.line));
                        }
                    }
                    _ => {}
                }
            }
            if !matches(tagged, &answer, &mut self.kept) {
                return Err(format!("expected {:?}, got {answer:?}", substitute(tagged, &self.kept)));
            }
            return Ok(());
        }
        // As the lines come.
        let mut awaited: Vec<&Step> =
            group.iter().filter(|s| !matches!(s.action, Action::Never(_))).copied().collect();
        let mut lines = Vec::new();
        while !awaited.is_empty() {
            let Some(line) = self.read_line(name, PATIENCE)? else {
                return Err(format!("(line {}) does not come; came {lines:?}", awaited[0].line));
            };
            let first = awaited.iter().position(|s| matches!(s.action, Action::Ordered(_)));
            let met = awaited.iter().enumerate().position(|(i, s)| match &s.action {
                Action::Ordered(pattern) => first == Some(i) && matches(pattern, &line, &mut self.kept),
                Action::Somewhere(pattern) => matches(pattern, &line, &mut self.kept),
                _ => false,
            });
            if let Some(met) = met {
                awaited.remove(met);
            }
            for step in group {
                if let Action::Never(pattern) = &step.action
                    && matches(pattern, &line, &mut self.kept)
                {
                    return Err(format!("(line {}) must not come: {line:?}", step.line));
                }
            }
            lines.push(line);
        }
        Ok(())
    }

    /// Lines up to the tagged answer of the oldest command, and that without its tag.
    fn read_tagged(&mut self, name: &str) -> Result<(Vec<String>, String), String> {
        let connection = self.connections.get_mut(name).ok_or("not connected")?;
        let tag = connection.tags.pop_front().ok_or("no command waits for an answer")?;
        let mut lines = Vec::new();
        loop {
            let line = self.next(name)?;
            match line.strip_prefix(&tag).and_then(|l| l.strip_prefix(' ')) {
                Some(answer) => return Ok((lines, answer.to_owned())),
                None if line.starts_with("* ") || line.starts_with("+ ") => lines.push(line),
                None => return Err(format!("expected an answer to {tag}, got {line:?} after {lines:?}")),
            }
        }
    }

    fn next(&mut self, name: &str) -> Result<String, String> {
        self.read_line(name, PATIENCE)?.ok_or_else(|| "no answer in time".to_owned())
    }

    /// A line with its literals; `None` when none comes in time.
    fn read_line(&mut self, name: &str, patience: Duration) -> Result<Option<String>, String> {
        let connection = self.connections.get_mut(name).ok_or("not connected")?;
        if let Some(line) = connection.unread.pop_front() {
            return Ok(Some(line));
        }
        let until = Instant::now() + patience;
        loop {
            if let Some(end) = logical_line(&connection.input) {
                let octets: Vec<u8> = connection.input.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&octets[..end]).into_owned();
                self.note(format!("{name}< {line}"));
                return Ok(Some(line));
            }
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) else {
                return Ok(None);
            };
            connection.stream.set_read_timeout(Some(left)).map_err(|e| e.to_string())?;
            let mut octets = [0; 16 * 1024];
            match connection.stream.read(&mut octets) {
                Ok(0) => return Err("the server closed the connection".to_owned()),
                Ok(n) => connection.input.extend_from_slice(&octets[..n]),
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(e) => return Err(format!("cannot read: {e}")),
            }
        }
    }
}

fn missing(step: &Step, pattern: &str, lines: &[String]) -> String {
    format!("(line {}) {pattern:?} does not come; came {lines:?}", step.line)
}

/// Where the first line, with its literals, ends.
fn logical_line(input: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + input.get(from..)?.windows(2).position(|w| w == b"\r\n")?;
        let literal = input[from..end].strip_suffix(b"}").and_then(|line| {
            let digits = &line[line.iter().rposition(|b| *b == b'{')? + 1..];
            std::str::from_utf8(digits).ok()?.parse::<usize>().ok()
        });
        match literal {
            Some(n) => from = end + 2 + n,
            None => return Some(end),
        }
    }
}
