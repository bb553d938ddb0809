//! Searching the index: what flags, UIDs, sizes and dates can tell.
//!
//! A query becomes a list of steps in postfix order, since its nesting is the client's; each step makes two sets
//! of messages: those that surely match, and those that may.

use mailstore_api::{InternalDate, Query, SearchOutcome, UidSet};

use super::table::Table;
use crate::bits;

const DAY: i64 = 86_400;

enum Step<'q> {
    Leaf(&'q Query),
    Not,
    /// Joins that many.
    And(usize),
    Or(usize),
}

/// One bit a message.
#[derive(Clone)]
struct Marks(Vec<u64>);

struct Bounds {
    surely: Marks,
    maybe: Marks,
}

impl Marks {
    fn of(len: usize, test: impl Fn(usize) -> bool) -> Self {
        let word = |n: usize| {
            (0..64).filter(|b| n * 64 + b < len && test(n * 64 + b)).fold(0_u64, |word, b| word | 1 << b)
        };
        Self((0..len.div_ceil(64)).map(word).collect())
    }

    fn zip(&mut self, other: &Self, join: impl Fn(u64, u64) -> u64) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a = join(*a, *b));
    }

    fn without(&self, all: &Self) -> Self {
        Self(all.0.iter().zip(&self.0).map(|(all, a)| all & !a).collect())
    }

    fn is_set(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

/// The query's steps, parts before the whole.
fn postfix(query: &Query) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut open = vec![query];
    // The whole before its parts, last part first: the reverse is what is wanted.
    while let Some(query) = open.pop() {
        match query {
            Query::Not(inner) => {
                steps.push(Step::Not);
                open.push(inner);
            }
            Query::And(parts) => {
                steps.push(Step::And(parts.len()));
                open.extend(parts);
            }
            Query::Or(parts) => {
                steps.push(Step::Or(parts.len()));
                open.extend(parts);
            }
            leaf => steps.push(Step::Leaf(leaf)),
        }
    }
    steps.reverse();
    steps
}

impl Table {
    /// Answers what can be answered without octets, and narrows down the rest.
    pub(crate) fn search(&self, query: &Query) -> SearchOutcome {
        let len = self.len();
        let all = Marks::of(len, |_| true);
        let mut stack: Vec<Bounds> = Vec::new();
        for step in postfix(query) {
            let bounds = match step {
                Step::Leaf(leaf) => match self.leaf(leaf) {
                    Some(marks) => Bounds { surely: marks.clone(), maybe: marks },
                    None => Bounds { surely: Marks::of(len, |_| false), maybe: all.clone() },
                },
                Step::Not => {
                    let Some(b) = stack.pop() else { return SearchOutcome::Declined };
                    Bounds { surely: b.maybe.without(&all), maybe: b.surely.without(&all) }
                }
                Step::And(n) => self.join(&mut stack, n, &all, |a, b| a & b),
                Step::Or(n) => self.join(&mut stack, n, &Marks::of(len, |_| false), |a, b| a | b),
            };
            stack.push(bounds);
        }
        let Some(Bounds { surely, maybe }) = stack.pop() else { return SearchOutcome::Declined };
        let set = (self.uids.iter().enumerate())
            .filter(|(at, _)| maybe.is_set(*at))
            .map(|(_, uid)| *uid)
            .collect::<UidSet>();
        match surely.0 == maybe.0 {
            true => SearchOutcome::Exact(set),
            false => SearchOutcome::Candidates { superset: set, residual: residual(query) },
        }
    }

    fn join(&self, stack: &mut Vec<Bounds>, n: usize, start: &Marks, by: fn(u64, u64) -> u64) -> Bounds {
        let mut joined = Bounds { surely: start.clone(), maybe: start.clone() };
        for part in stack.split_off(stack.len().saturating_sub(n)) {
            joined.surely.zip(&part.surely, by);
            joined.maybe.zip(&part.maybe, by);
        }
        joined
    }

    /// The messages a leaf matches; `None` where that takes their octets.
    fn leaf(&self, leaf: &Query) -> Option<Marks> {
        let len = self.len();
        let bits = |at: usize| self.bits.get(at).copied().unwrap_or(0);
        let uid = |at: usize| self.uids.get(at).map_or(0, |u| u.get());
        let size = |at: usize| self.sizes.get(at).map_or(0, |s| u64::from(s.size()));
        let date = |at: usize| self.sizes.get(at).map_or_else(InternalDate::default, |s| s.date());
        Some(match leaf {
            Query::All => Marks::of(len, |_| true),
            Query::Uids(set) => {
                let mut marks = Marks::of(len, |_| false);
                for at in set.ranges().iter().flat_map(|r| self.span(*r)) {
                    if let Some(word) = marks.0.get_mut(at / 64) {
                        *word |= 1 << (at % 64);
                    }
                }
                marks
            }
            Query::Flags(flags) => {
                let wanted = u32::from(flags.bits());
                Marks::of(len, |at| bits(at) & wanted == wanted)
            }
            Query::Keyword(name) => match self.keywords.number(name) {
                None => Marks::of(len, |_| false),
                Some(number) if bits::bit(number) != 0 => {
                    Marks::of(len, |at| bits(at) & bits::bit(number) != 0)
                }
                Some(number) => Marks::of(len, |at| {
                    bits(at) & bits::MORE != 0 && self.more.get(&uid(at)).is_some_and(|m| m.contains(&number))
                }),
            },
            Query::Larger(n) => Marks::of(len, |at| size(at) > *n),
            Query::Smaller(n) => Marks::of(len, |at| size(at) < *n),
            Query::InternalDay(from, to) => Marks::of(len, |at| {
                let d = date(at);
                (*from..*to).contains(&(d.seconds + i64::from(d.zone_minutes) * 60).div_euclid(DAY))
            }),
            Query::ArrivedSince(seconds) => Marks::of(len, |at| date(at).seconds >= *seconds),
            Query::ModSeqAtLeast(m) => {
                Marks::of(len, |at| self.modseqs.get(at).is_some_and(|x| x.get() >= m.0))
            }
            _ => return None,
        })
    }
}

/// What is left to check on candidates: of a conjunction, the parts the index cannot answer.
fn residual(query: &Query) -> Query {
    let Query::And(parts) = query else { return query.clone() };
    let open: Vec<Query> = parts.iter().filter(|p| !is_answered(p)).cloned().collect();
    match <[Query; 1]>::try_from(open) {
        Ok([one]) => one,
        Err(open) => Query::And(open),
    }
}

fn is_answered(query: &Query) -> bool {
    postfix(query).iter().all(|step| match step {
        Step::Leaf(leaf) => is_known(leaf),
        _ => true,
    })
}

/// Whether [`Table::leaf`] answers it.
const fn is_known(leaf: &Query) -> bool {
    matches!(
        leaf,
        Query::All
            | Query::Uids(_)
            | Query::Flags(_)
            | Query::Keyword(_)
            | Query::Larger(_)
            | Query::Smaller(_)
            | Query::InternalDay(..)
            | Query::ArrivedSince(_)
            | Query::ModSeqAtLeast(_)
    )
}
