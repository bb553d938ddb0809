use mailstore_api::{Meta, MetaItems, Query};

use super::needle::Needle;

/// What is known of a question so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Truth {
    No,
    Yes,
    /// More of the message must be read.
    Open,
}

impl From<bool> for Truth {
    fn from(b: bool) -> Self {
        if b { Self::Yes } else { Self::No }
    }
}

/// A query without its nesting: leaves, and how to combine their answers, in postfix order. So neither
/// building nor running it recurses.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) leaves: Vec<Leaf>,
    steps: Vec<Step>,
    pub(super) want: MetaItems,
}

#[derive(Debug)]
enum Step {
    Leaf(usize),
    Not,
    /// Of the last so many.
    And(usize),
    Or(usize),
}

/// A question that is answered from one message.
#[derive(Debug)]
pub(super) enum Leaf {
    /// From [`Meta`].
    Meta(Query),
    /// A field of this name contains the text.
    Header(String, Needle),
    /// The `Date` field's day is in this half-open range.
    SentDay(i64, i64),
    Body(Needle),
    Text(Needle),
    /// Something this version does not know: it matches nothing.
    Unknown,
}

impl Program {
    pub(super) fn new(query: &Query) -> Self {
        enum Todo<'q> {
            Visit(&'q Query),
            Emit(Step),
        }
        let mut program = Self::default();
        let mut todo = vec![Todo::Visit(query)];
        while let Some(next) = todo.pop() {
            match next {
                Todo::Emit(step) => program.steps.push(step),
                Todo::Visit(Query::Not(q)) => todo.extend([Todo::Emit(Step::Not), Todo::Visit(q)]),
                Todo::Visit(Query::And(all)) => {
                    todo.push(Todo::Emit(Step::And(all.len())));
                    todo.extend(all.iter().map(Todo::Visit));
                }
                Todo::Visit(Query::Or(any)) => {
                    todo.push(Todo::Emit(Step::Or(any.len())));
                    todo.extend(any.iter().map(Todo::Visit));
                }
                Todo::Visit(leaf) => program.leaf(leaf),
            }
        }
        program
    }

    fn leaf(&mut self, query: &Query) {
        let leaf = match query {
            Query::Header(name, text) => Leaf::Header(name.clone(), Needle::new(text)),
            Query::SentDay(from, to) => Leaf::SentDay(*from, *to),
            Query::Body(text) => Leaf::Body(Needle::new(text)),
            Query::Text(text) => Leaf::Text(Needle::new(text)),
            Query::Flags(_) | Query::Keyword(_) | Query::ModSeqAtLeast(_) => {
                self.want |= MetaItems::FLAGS;
                Leaf::Meta(query.clone())
            }
            Query::Larger(_) | Query::Smaller(_) => {
                self.want |= MetaItems::SIZE;
                Leaf::Meta(query.clone())
            }
            Query::InternalDay(..) | Query::ArrivedSince(_) => {
                self.want |= MetaItems::INTERNAL_DATE;
                Leaf::Meta(query.clone())
            }
            Query::All | Query::Uids(_) => Leaf::Meta(query.clone()),
            _ => Leaf::Unknown,
        };
        self.steps.push(Step::Leaf(self.leaves.len()));
        self.leaves.push(leaf);
    }

    /// The octets of the longest text that is looked for in texts.
    pub(super) fn longest(&self) -> usize {
        let needles = self.leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Text(needle) | Leaf::Body(needle) => Some(needle.len()),
            _ => None,
        });
        needles.max().unwrap_or(0)
    }

    /// Whether something is asked that the header alone answers.
    pub(super) fn asks_header(&self) -> bool {
        self.leaves.iter().any(|leaf| matches!(leaf, Leaf::Header(..) | Leaf::SentDay(..)))
    }

    /// Whether the message matches, by what is known of each leaf.
    pub(super) fn run(&self, known: &[Truth]) -> Truth {
        let mut stack: Vec<Truth> = Vec::with_capacity(8);
        for step in &self.steps {
            let truth = match step {
                Step::Leaf(i) => known.get(*i).copied().unwrap_or(Truth::No),
                Step::Not => match stack.pop() {
                    Some(Truth::Yes) => Truth::No,
                    Some(Truth::No) => Truth::Yes,
                    _ => Truth::Open,
                },
                Step::And(n) => combine(&mut stack, *n, Truth::No, Truth::Yes),
                Step::Or(n) => combine(&mut stack, *n, Truth::Yes, Truth::No),
            };
            stack.push(truth);
        }
        stack.pop().unwrap_or(Truth::No)
    }
}

/// `decides` wherever one of the last `n` is that, else open where one is, else `neutral`.
fn combine(stack: &mut Vec<Truth>, n: usize, decides: Truth, neutral: Truth) -> Truth {
    let all = stack.split_off(stack.len().saturating_sub(n));
    if all.contains(&decides) {
        decides
    } else if all.contains(&Truth::Open) {
        Truth::Open
    } else {
        neutral
    }
}

/// The answer to a question that needs no more than the meta.
pub(super) fn ask_meta(query: &Query, meta: &Meta) -> bool {
    match query {
        Query::All => true,
        Query::Uids(set) => set.contains(meta.uid),
        Query::Flags(flags) => meta.flags.system.contains(*flags),
        Query::Keyword(keyword) => meta.flags.has_keyword(keyword),
        Query::Larger(n) => meta.size > *n,
        Query::Smaller(n) => meta.size < *n,
        Query::InternalDay(from, to) => {
            let date = meta.internal_date;
            let local = date.seconds.saturating_add(i64::from(date.zone_minutes) * 60);
            (*from..*to).contains(&local.div_euclid(86_400))
        }
        Query::ArrivedSince(seconds) => meta.internal_date.seconds >= *seconds,
        Query::ModSeqAtLeast(at) => meta.modseq >= *at,
        _ => false,
    }
}
