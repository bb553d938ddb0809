//! What must hold between BODYSTRUCTURE and the sections it names.

use imap4_proto::types::Status;

use crate::talk::{Got, Kind, Part, Talk};

type Fault = String;

macro_rules! hold {
    ($condition:expr, $($what:tt)*) => {
        if !$condition {
            return Err(format!($($what)*));
        }
    };
}

/// A part with the numbers by which it is fetched (RFC 9051 section 6.4.5.1); the message itself has none.
struct Numbered<'p> {
    numbers: Vec<u32>,
    part: &'p Part,
}

impl Numbered<'_> {
    fn name(&self, text: &str) -> String {
        let path = crate::talk::path(self.numbers.iter().copied());
        if text.is_empty() || path.is_empty() { format!("{path}{text}") } else { format!("{path}.{text}") }
    }
}

/// All parts that have a section, parents first.
fn numbered(root: &Part) -> Vec<Numbered<'_>> {
    let mut all = Vec::new();
    // The body of a message, and the numbers of that message.
    let mut todo = vec![(vec![], root, true)];
    while let Some((numbers, part, is_body)) = todo.pop() {
        let with = |n: usize| [&numbers[..], &[n as u32 + 1]].concat();
        match part.kind {
            Kind::Multi => {
                todo.extend(part.children.iter().enumerate().rev().map(|(n, child)| (with(n), child, false)));
                // As the body of a message it has that message's TEXT.
                if !is_body {
                    all.push(Numbered { numbers, part });
                }
            }
            _ if is_body => todo.push((with(0), part, false)),
            Kind::Message => {
                todo.push((numbers.clone(), &part.children[0], true));
                all.push(Numbered { numbers, part });
            }
            Kind::Leaf => all.push(Numbered { numbers, part }),
        }
    }
    all
}

/// Fetches the message in every way. How many parts it has.
pub(crate) async fn hold_together(talk: &mut Talk, number: u32, message: &[u8]) -> Result<usize, Fault> {
    let items = "(RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] \
        RFC822 RFC822.HEADER RFC822.TEXT BODY.PEEK[HEADER.FIELDS (From)] BODY.PEEK[HEADER.FIELDS.NOT (From)] BINARY.PEEK[])";
    let whole = talk.fetch(number, items).await;
    hold!(whole.status == Status::Ok, "{}", whole.code);
    let got = &whole.got;
    hold!(got.size == Some(message.len() as u64), "RFC822.SIZE {:?}", got.size);
    for name in ["", "RFC822", "BINARY "] {
        hold!(section(got, name)? == message, "{name} is not what was appended");
    }
    let (header, text) = (section(got, "HEADER")?, section(got, "TEXT")?);
    hold!([header, text].concat() == message, "HEADER and TEXT are not the message");
    hold!(section(got, "RFC822.HEADER")? == header && section(got, "RFC822.TEXT")? == text, "RFC822.HEADER");
    hold!(got.has_envelope, "no ENVELOPE");
    let [Some(short), Some(root)] = &got.structures else { return Err("no structure".to_owned()) };
    hold!(short == root, "BODY is not BODYSTRUCTURE:\n{short:?}\n{root:?}");
    fields(got, header)?;

    let parts = numbered(root);
    for some in parts.chunks(40) {
        each(talk, number, some).await?;
    }
    let root = Numbered { numbers: vec![], part: root };
    if root.part.kind == Kind::Multi {
        follow(talk, number, &root, text).await?;
    }
    for part in parts.iter().take(200) {
        follow_children(talk, number, part).await?;
    }
    Ok(parts.len())
}

fn section<'g>(got: &'g Got, name: &str) -> Result<&'g [u8], Fault> {
    match got.sections.get(name) {
        Some(Some(octets)) => Ok(octets),
        Some(None) => Err(format!("{name:?} is NIL")),
        None => Err(format!("{name:?} is not there")),
    }
}

/// HEADER.FIELDS and HEADER.FIELDS.NOT share the header's fields between them.
fn fields(got: &Got, header: &[u8]) -> Result<(), Fault> {
    let (some, others) = (section(got, "FIELDS")?, section(got, "NOT")?);
    for part in [some, others] {
        hold!(part.ends_with(b"\r\n"), "a selection of fields has no end");
        for field in mail_session::mime::fields(part) {
            hold!(
                header.windows(field.name.len()).any(|w| w == field.name),
                "{} is not in the header",
                field.name.escape_ascii()
            );
        }
    }
    let count = |octets| mail_session::mime::fields(octets).count();
    hold!(count(some) + count(others) == count(header), "fields are lost");
    Ok(())
}

/// Sizes and lines of parts are those of what is fetched.
async fn each(talk: &mut Talk, number: u32, parts: &[Numbered<'_>]) -> Result<(), Fault> {
    let mut items = String::from("(UID");
    for part in parts {
        let name = part.name("");
        items += &format!(
            " BODY.PEEK[{name}] BODY.PEEK[{name}.MIME] BODY.PEEK[{name}.HEADER] BODY.PEEK[{name}.TEXT]"
        );
        items += &format!(" BODY.PEEK[{name}.4000]");
    }
    items.push(')');
    let answer = talk.fetch(number, &items).await;
    hold!(answer.status == Status::Ok, "{}", answer.code);
    let got = &answer.got;
    for part in parts {
        let name = part.name("");
        let content = section(got, &name)?;
        section(got, &part.name("MIME"))?;
        if let Some(octets) = part.part.octets {
            hold!(content.len() as u64 == octets, "{name}: {octets} octets, of which {} come", content.len());
        }
        if let Some(lines) = part.part.lines {
            let there = content.iter().filter(|b| **b == b'\n').count() as u64;
            hold!(lines == there, "{name}: {lines} lines, of which {there} come");
        }
        let (header, text) = (&got.sections[&part.name("HEADER")], &got.sections[&part.name("TEXT")]);
        if part.part.kind == Kind::Message {
            let (Some(header), Some(text)) = (header, text) else {
                return Err(format!("{name} is a message without HEADER or TEXT"));
            };
            hold!([&header[..], &text[..]].concat() == content, "{name}: HEADER and TEXT are not all of it");
        } else {
            hold!(header.is_none() && text.is_none(), "{name} is no message, but has HEADER or TEXT");
        }
        hold!(got.sections[&part.name("4000")].is_none(), "{name} has a part 4000");
    }
    Ok(())
}

async fn follow_children(talk: &mut Talk, number: u32, part: &Numbered<'_>) -> Result<(), Fault> {
    let (parent, text) = match part.part.kind {
        Kind::Leaf => return Ok(()),
        Kind::Multi => (part.part, part.name("")),
        Kind::Message => (&part.part.children[0], part.name("TEXT")),
    };
    let answer = talk.fetch(number, &format!("BODY.PEEK[{text}]")).await;
    let octets = section(&answer.got, &text)?;
    if parent.kind == Kind::Multi {
        return follow(talk, number, &Numbered { numbers: part.numbers.clone(), part: parent }, octets).await;
    }
    // The only part of a message is its body.
    let one = Numbered { numbers: [&part.numbers[..], &[1]].concat(), part: parent }.name("");
    let answer = talk.fetch(number, &format!("BODY.PEEK[{one}]")).await;
    hold!(section(&answer.got, &one)? == octets, "{one} is not {text}");
    Ok(())
}

/// The parts of a multipart stand in it one after another, with a boundary between, and so the sum of their sizes is right.
async fn follow(talk: &mut Talk, number: u32, multi: &Numbered<'_>, octets: &[u8]) -> Result<(), Fault> {
    let mut at = 0;
    for n in 1..=multi.part.children.len().min(50) {
        let child = Numbered {
            numbers: [&multi.numbers[..], &[n as u32]].concat(),
            part: &multi.part.children[n - 1],
        };
        let (mime, content) = (child.name("MIME"), child.name(""));
        let answer = talk.fetch(number, &format!("(BODY.PEEK[{mime}] BODY.PEEK[{content}])")).await;
        let whole = [section(&answer.got, &mime)?, section(&answer.got, &content)?].concat();
        // Between two parts there is one boundary line; before the first, a preamble that ends with one.
        let delimiter = |gap: &[u8]| {
            let line = gap.strip_suffix(b"\n").unwrap_or(gap);
            let start = line.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            let before = &gap[..start];
            gap.ends_with(b"\n")
                && line[start..].starts_with(b"--")
                && (n == 1 || matches!(before, b"" | b"\n" | b"\r\n"))
        };
        let rest = &octets[at..];
        let found = (0..=rest.len().saturating_sub(whole.len()))
            .find(|from| rest[*from..].starts_with(&whole) && delimiter(&rest[..*from]));
        match found {
            Some(from) => at += from + whole.len(),
            // A multipart in which no boundary was found: all of it is its only part.
            None if multi.part.children.len() == 1 && whole == octets => return Ok(()),
            None => return Err(format!("{content} does not stand in its multipart behind a boundary")),
        }
    }
    Ok(())
}
