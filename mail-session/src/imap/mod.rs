//! The IMAP session.
#![allow(dead_code, reason = "wip")]
mod hierarchy;
mod names;
mod pattern;
mod search_key;
