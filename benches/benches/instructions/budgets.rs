//! What each case may cost.

use crate::Row;

/// By so much a budget may be passed: compilers differ.
const TOLERANCE: f64 = 1.05;

/// The budgets, as `budgets.txt` has them.
#[derive(Debug)]
pub(super) struct Budgets {
    cases: Vec<Budget>,
    ratios: Vec<Ratio>,
}

/// The most that one unit of a case may cost.
#[derive(Debug)]
pub(super) struct Budget {
    name: String,
    pub(super) instructions: f64,
    allocations: f64,
    /// Of time, where there is a budget of it. It is held with a slow machine in mind.
    nanoseconds: Option<f64>,
}

/// How many times the instructions of another case a case may take.
#[derive(Debug)]
pub(super) struct Ratio {
    pub(super) of: String,
    pub(super) to: String,
    pub(super) most: f64,
}

impl Budgets {
    /// Lines of `name | instructions | allocations [| nanoseconds]` and `ratio | name | name | most`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut budgets = Self { cases: Vec::new(), ratios: Vec::new() };
        for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let number = |text: &str| text.parse::<f64>().map_err(|_| format!("no budget: {line}"));
            match fields[..] {
                ["ratio", of, to, most] => {
                    budgets.ratios.push(Ratio { of: of.into(), to: to.into(), most: number(most)? });
                }
                [name, instructions, allocations, ref time @ ..] if time.len() < 2 => {
                    budgets.cases.push(Budget {
                        name: name.into(),
                        instructions: number(instructions)?,
                        allocations: number(allocations)?,
                        nanoseconds: time.first().map(|t| number(t)).transpose()?,
                    });
                }
                _ => return Err(format!("no budget: {line}")),
            }
        }
        Ok(budgets)
    }

    pub(super) fn of(&self, name: &str) -> Option<&Budget> {
        self.cases.iter().find(|b| b.name == name)
    }

    /// The ratios of which both cases were counted, and what they are.
    pub(super) fn ratios<'a>(&'a self, rows: &'a [Row]) -> impl Iterator<Item = (&'a Ratio, f64)> {
        self.ratios.iter().filter_map(|ratio| {
            let total = |name| rows.iter().find(|r| r.name == name).map(|r| r.total);
            Some((ratio, total(&*ratio.of)? / total(&*ratio.to)?))
        })
    }

    /// What was passed, in words.
    pub(super) fn passed(&self, rows: &[Row]) -> Vec<String> {
        let mut passed = Vec::new();
        for row in rows {
            let Some(budget) = self.of(&row.name) else { continue };
            let mut hold = |what, is: f64, most: f64| {
                if is > most * TOLERANCE {
                    passed.push(format!("{}: {is:.2} {what} for one {}, budget {most}", row.name, row.unit));
                }
            };
            hold("instructions", row.instructions, budget.instructions);
            hold("allocations", row.allocations, budget.allocations);
            if let Some(most) = budget.nanoseconds {
                hold("ns", row.nanoseconds, most);
            }
        }
        for (ratio, value) in self.ratios(rows) {
            if value > ratio.most {
                passed.push(format!("{} to {}: {value:.2}, at most {}", ratio.of, ratio.to, ratio.most));
            }
        }
        passed
    }

    /// Budgets of cases that there are not: a name was changed.
    pub(super) fn unused(&self, rows: &[Row]) -> Vec<String> {
        let names = self.cases.iter().map(|b| &b.name);
        let names = names.chain(self.ratios.iter().flat_map(|r| [&r.of, &r.to]));
        names
            .filter(|name| !rows.iter().any(|r| r.name == **name))
            .map(|name| format!("{name}: it has a budget, but was not counted"))
            .collect()
    }
}
