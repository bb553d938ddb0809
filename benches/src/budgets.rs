//! What each case may cost, and what it does cost.

use crate::case::Case;

/// By so much a budget may be passed: compilers differ.
const TOLERANCE: f64 = 1.05;

/// What one case costs, for one unit.
#[derive(Debug)]
pub struct Row {
    /// The job.
    pub job: &'static str,
    /// Who did it.
    pub side: &'static str,
    /// Both, as the budgets have it.
    pub name: String,
    /// What is counted for one of.
    pub unit: &'static str,
    /// Instructions of the whole case.
    pub total: f64,
    /// Instructions for one unit.
    pub instructions: f64,
    /// Allocations for one unit.
    pub allocations: f64,
    /// Time for one unit.
    pub nanoseconds: f64,
}

impl Row {
    /// The row of a case whose run took so much.
    #[must_use]
    pub fn new(case: &Case, instructions: u64, allocations: u64, nanoseconds: f64) -> Self {
        let units = as_f64(case.units);
        Self {
            job: case.job,
            side: case.side,
            name: case.name(),
            unit: case.unit,
            total: as_f64(instructions),
            instructions: as_f64(instructions) / units,
            allocations: as_f64(allocations) / units,
            nanoseconds: nanoseconds / units,
        }
    }
}

/// Counts are far below 2^53.
#[allow(clippy::cast_precision_loss, reason = "a count of this size is exact")]
#[must_use]
pub const fn as_f64(n: u64) -> f64 {
    n as f64
}

/// The budgets, as `budgets.txt` has them.
#[derive(Debug)]
pub struct Budgets {
    cases: Vec<Budget>,
    ratios: Vec<Ratio>,
}

/// The most that one unit of a case may cost.
#[derive(Debug)]
pub struct Budget {
    name: String,
    /// Of instructions.
    pub instructions: f64,
    allocations: f64,
    /// Of time, where there is a budget of it. It is held with a slow machine in mind.
    nanoseconds: Option<f64>,
}

/// How many times the instructions of another case a case may take.
#[derive(Debug)]
pub struct Ratio {
    /// Whose.
    pub of: String,
    /// To whose.
    pub to: String,
    /// The most it may be.
    pub most: f64,
}

impl Budgets {
    /// Lines of `name | instructions | allocations [| nanoseconds]` and `ratio | name | name | most`.
    ///
    /// # Errors
    /// The line that is none of these.
    pub fn read(text: &str) -> Result<Self, String> {
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

    /// The budget of the case of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Budget> {
        self.cases.iter().find(|b| b.name == name)
    }

    /// The ratios of which both cases were counted, and what they are.
    pub fn ratios<'a>(&'a self, rows: &'a [Row]) -> impl Iterator<Item = (&'a Ratio, f64)> {
        self.ratios.iter().filter_map(|ratio| {
            let total = |name| rows.iter().find(|r| r.name == name).map(|r| r.total);
            Some((ratio, total(&*ratio.of)? / total(&*ratio.to)?))
        })
    }

    /// What was passed, in words.
    #[must_use]
    pub fn passed(&self, rows: &[Row]) -> Vec<String> {
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
    #[must_use]
    pub fn unused(&self, rows: &[Row]) -> Vec<String> {
        let names = self.cases.iter().map(|b| &b.name);
        let names = names.chain(self.ratios.iter().flat_map(|r| [&r.of, &r.to]));
        names
            .filter(|name| !rows.iter().any(|r| r.name == **name))
            .map(|name| format!("{name}: it has a budget, but was not counted"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, instructions: f64, allocations: f64, nanoseconds: f64) -> Row {
        let (job, side) = ("job", "side");
        Row {
            job,
            side,
            name: name.into(),
            unit: "unit",
            total: instructions,
            instructions,
            allocations,
            nanoseconds,
        }
    }

    #[test]
    fn a_budget_passed_by_more_than_five_percent_is_told_and_by_less_is_not() {
        let budgets = Budgets::read("# a comment\n\na: b | 1000 | 20\nc: d | 100 | 0 | 3\n").unwrap();
        for (row, passed) in [
            (row("a: b", 1049.0, 20.0, 1e9), 0),
            (row("a: b", 1051.0, 20.0, 0.0), 1),
            (row("a: b", 1000.0, 21.1, 0.0), 1),
            (row("a: b", 2000.0, 40.0, 0.0), 2),
            (row("a: b", 0.0, 0.0, 0.0), 0),
            // None at all is none at all.
            (row("c: d", 100.0, 0.001, 0.0), 1),
            (row("c: d", 100.0, 0.0, 3.2), 1),
            (row("another: d", 1e9, 1e9, 1e9), 0),
        ] {
            let told = budgets.passed(std::slice::from_ref(&row));
            assert_eq!(told.len(), passed, "{row:?}: {told:?}");
            assert!(told.iter().all(|line| line.starts_with(&row.name)), "{told:?}");
        }
    }

    #[test]
    fn a_ratio_is_held_exactly_and_a_name_that_is_gone_is_told() {
        let budgets = Budgets::read("ratio | twice | once | 2.1\nonce | 10 | 0\n").unwrap();
        let rows = |twice| [row("once", 10.0, 0.0, 0.0), row("twice", twice, 0.0, 0.0)];
        assert!(budgets.passed(&rows(21.0)).is_empty());
        assert_eq!(budgets.passed(&rows(21.1)).len(), 1);
        assert!(budgets.unused(&rows(20.0)).is_empty());
        assert_eq!(budgets.unused(&rows(20.0)[..1]).len(), 1);
        for wrong in ["once | ten | 0", "once | 10", "ratio | twice | once", "once | 1 | 2 | 3 | 4"] {
            assert!(Budgets::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_budget_is_of_a_case_that_there_is() {
        let budgets = Budgets::read(include_str!("../budgets.txt")).unwrap();
        let rows: Vec<Row> = crate::cases::all().iter().map(|case| Row::new(case, 0, 0, 0.0)).collect();
        assert_eq!(budgets.unused(&rows), Vec::<String>::new());
        assert_eq!(budgets.passed(&rows).len(), 0);
    }
}
