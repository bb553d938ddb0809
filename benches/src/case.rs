//! What is counted and timed: jobs, and those who do them.

use std::{fmt::Debug, hint::black_box};

/// Something that is counted and timed: one side's way to do one job.
pub struct Case {
    /// The job.
    pub job: &'static str,
    /// Who does it, and how much of it.
    pub side: &'static str,
    /// What the job is made of: `command`, `octet`, `line` ...
    pub unit: &'static str,
    /// How many of them one run handles.
    pub units: u64,
    /// Does the job once.
    pub run: Box<dyn FnMut()>,
}

impl Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("job", &self.job).field("side", &self.side).finish_non_exhaustive()
    }
}

impl Case {
    /// As it stands in the table and in the budgets.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}: {}", self.job, self.side)
    }
}

/// A job and all who do it.
#[derive(Debug)]
pub struct Job {
    name: &'static str,
    unit: &'static str,
    units: u64,
    cases: Vec<Case>,
}

impl Job {
    /// A job of so many units.
    #[must_use]
    pub fn new(name: &'static str, unit: &'static str, units: usize) -> Self {
        Self { name, unit, units: u64::try_from(units).unwrap_or(u64::MAX), cases: Vec::new() }
    }

    /// One who does it. It is done twice here: the result must be the expected one, and buffers that are kept are warm.
    ///
    /// # Panics
    /// When the result is another: what is wrong must not be measured.
    #[must_use]
    pub fn side<T: PartialEq + Debug>(
        mut self,
        side: &'static str,
        expected: &T,
        mut run: impl FnMut() -> T + 'static,
    ) -> Self {
        for _ in 0..2 {
            assert_eq!(&run(), expected, "{}: {side}", self.name);
        }
        let run = Box::new(move || {
            black_box(run());
        });
        self.cases.push(Case { job: self.name, side, unit: self.unit, units: self.units, run });
        self
    }

    /// All who do it.
    #[must_use]
    pub fn cases(self) -> Vec<Case> {
        self.cases
    }
}
