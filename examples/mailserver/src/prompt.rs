//! A password from standard input.

use auth_sasl::Secret;

use crate::{
    fault::{Fault, Result},
    password,
};

/// A password from standard input: one line, its end not counted. A terminal does not show it.
pub(crate) fn read_from_stdin(address: &crate::address::Address) -> Result<Secret> {
    use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
    let stdin = std::io::stdin();
    let fault = |e: std::io::Error| Fault::new(format!("cannot read the password: {e}"));
    let hidden = stdin.is_terminal().then(|| Hidden::new(&stdin)).flatten();
    if hidden.is_some() {
        // A prompt that cannot be shown is no fault.
        let _ = write!(std::io::stderr(), "Password for {address}: ");
    }
    let mut line = zeroize::Zeroizing::new(Vec::new());
    stdin.lock().take(4096).read_until(b'\n', &mut line).map_err(fault)?;
    if hidden.is_some() {
        let _ = writeln!(std::io::stderr());
    }
    let password = line.strip_suffix(b"\n").unwrap_or(&line);
    let password = password.strip_suffix(b"\r").unwrap_or(password);
    password::acceptable(password)
        .map_err(|what| Fault::new(format!("{what} (one line on standard input)")))?;
    Ok(Secret::new(password))
}

/// A terminal that does not echo, until dropped.
struct Hidden<'a>(&'a std::io::Stdin, rustix::termios::Termios);

impl<'a> Hidden<'a> {
    fn new(stdin: &'a std::io::Stdin) -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(stdin).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO;
        tcsetattr(stdin, OptionalActions::Flush, &quiet).ok()?;
        Some(Self(stdin, before))
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(self.0, rustix::termios::OptionalActions::Now, &self.1);
    }
}
