use std::fmt;

/// Why the program cannot go on: one line that says what is wrong and how to mend it.
#[derive(Debug)]
pub(crate) struct Fault(String);

pub(crate) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        // Some causes speak in several lines.
        let line: String = line.into();
        Self(line.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
