//! A complete frame in, a value out. Nothing here sees incomplete input.

mod argument;
mod command;
mod response;

pub(crate) use command::command;
pub(crate) use response::{
    Status, drop_listing, expire, login_delay, scan_listing, status, timestamp, unique_id_listing,
};
