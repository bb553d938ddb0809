//! A complete frame in, a value out. Nothing here sees incomplete input.

mod argument;
mod command;

pub(crate) use command::command;
