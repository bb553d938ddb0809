//! How far a transfer is: a bar on a terminal, elsewhere a line every ten seconds.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mail_transfer::Progress;

const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Bar {
    what: &'static str,
    /// `None`: standard error is no terminal.
    bar: Option<ProgressBar>,
    said: Instant,
    begun: Instant,
}

impl Bar {
    pub(super) fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // Ten times a second is enough to look at.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_prefix(what);
            bar
        });
        let now = Instant::now();
        Self { what, bar, said: now, begun: now }
    }

    pub(super) fn show(&mut self, at: &Progress<'_>) {
        // What was there before, after `--resume`, counts too: it is looked at.
        let rate = u128::from(at.messages) * 1000 / self.begun.elapsed().as_millis().max(1);
        match &self.bar {
            Some(bar) => {
                if bar.length().is_none() {
                    bar.set_length(at.total.unwrap_or(0));
                    bar.set_style(style(at.total.is_some()));
                }
                bar.set_position(at.done);
                bar.set_message(format!("{} messages, {rate}/s, {}", at.messages, at.mailbox));
            }
            None if self.said.elapsed() >= EVERY => {
                self.said = Instant::now();
                let percent = at.total.filter(|t| *t > 0).map(|total| at.done.saturating_mul(100) / total);
                let percent = percent.map(|p| format!("{p} %, ")).unwrap_or_default();
                let _ = writeln!(
                    std::io::stderr(),
                    "mailserver: {}: {percent}{} messages, {rate}/s, {} octets, in {}",
                    self.what,
                    at.messages,
                    at.octets,
                    at.mailbox
                );
            }
            None => {}
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(total_is_known: bool) -> ProgressStyle {
    let template = if total_is_known {
        "{prefix} [{bar:30}] {percent:>3} %  {eta} left  {wide_msg}"
    } else {
        "{prefix} {spinner} {elapsed}  {wide_msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
