//! SCRAM (RFC 5802, RFC 7677): a login by password that shows the password to nobody, and proves the
//! server to the client too; the -PLUS variants are bound to the TLS connection, so that nobody can
//! sit between.
//!
//! A server stores [`StoredKeys`] and answers [`Request::ScramKeys`](crate::Request::ScramKeys) with
//! them, or with `None` for an unknown user, whom the mechanism then treats as one who got his
//! password wrong. Its [`Channel`] carries random octets, the channel bindings and a
//! [`Decoy`].
//!
//! ```
//! use auth_sasl::scram::{Hash, StoredKeys};
//!
//! let salt = *b"sixteen random o"; // from the host
//! let keys = StoredKeys::derive(Hash::Sha256, b"pencil", &salt, 4096)?;
//! let stored = keys.to_text();
//! assert!(stored.starts_with("SCRAM-SHA-256$4096:"));
//! assert!(StoredKeys::from_text(&stored)?.verify(b"pencil"));
//! # Ok::<(), auth_sasl::scram::KeyError>(())
//! ```

mod client;
mod hash;
mod keys;
pub(crate) mod message;
mod server;
#[cfg(test)]
mod tests;

use core::fmt;

pub use client::Client;
pub use hash::Hash;
pub use keys::{DEFAULT_ITERATIONS, KeyError, MAX_ITERATIONS, MIN_ITERATIONS, SALT_LEN, StoredKeys};
pub use message::MIN_RANDOM;
pub use server::Server;

use crate::Channel;

/// With what unknown users are answered, so that they look like known ones.
#[derive(Clone, Copy)]
pub struct Decoy<'a> {
    /// A secret of the server, the same over restarts: salts are made of it.
    pub key: &'a [u8],
    /// The iteration count most users' keys have.
    pub iterations: u32,
}

impl Decoy<'_> {
    /// Keys that nobody has, always the same for the same name. For hosts that verify PLAIN and LOGIN
    /// by [`StoredKeys::verify`]: an unknown user's password is verified with these, and takes as long.
    #[must_use]
    pub fn keys(&self, hash: Hash, user: &str) -> StoredKeys {
        StoredKeys::decoy(hash, self.key, user, self.iterations)
    }
}

impl fmt::Debug for Decoy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoy").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// Whose SCRAM keys are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRequest {
    /// The user, prepared by SASLprep.
    pub authcid: alloc::string::String,
    /// For which hash.
    pub hash: Hash,
}

/// The channel bindings there are, by name: the better first.
fn bindings<'a>(channel: &Channel<'a>) -> impl Iterator<Item = (&'static str, &'a [u8])> {
    [("tls-exporter", channel.tls_exporter), ("tls-server-end-point", channel.tls_server_end_point)]
        .into_iter()
        .filter_map(|(name, data)| data.filter(|d| !d.is_empty()).map(|d| (name, d)))
}
