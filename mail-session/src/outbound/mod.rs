//! Out to other servers: what the queue holds is carried to a smart host, tried again, given up, reported.
mod envelope;
mod post;

pub use envelope::{Content, Deadline, Envelope, Wishes};
pub(crate) use post::{Original, send_report};
