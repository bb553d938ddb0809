//! Passwords: Argon2id hashes, and readable ones made by chance.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::fault::{Fault, Result};

/// Why this can be no password, where it cannot.
pub(crate) fn acceptable(password: &[u8]) -> std::result::Result<(), &'static str> {
    match password.len() {
        0 => Err("the password is empty; give one"),
        1..=auth_sasl::MAX_FIELD if !password.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) => Ok(()),
        1..=auth_sasl::MAX_FIELD => {
            Err("the password holds NUL or a line end, which no mail program can send; choose another")
        }
        _ => Err("the password is longer than 1024 octets; choose a shorter one"),
    }
}

/// The Argon2id hash to store, as a PHC string.
pub(crate) fn hash(password: &[u8]) -> Result<String> {
    Argon2::default()
        .hash_password(password)
        .map(|hash| hash.to_string())
        .map_err(|e| Fault::new(format!("cannot hash a password: {e}")))
}

/// Whether this is a hash [`verify`] can read.
pub(crate) fn is_hash(hash: &str) -> bool {
    hash.starts_with("$argon2id$")
        && PasswordHash::new(hash).is_ok_and(|h| h.salt.is_some() && h.hash.is_some())
}

/// Whether the password has this hash. Some 20 ms of work and 19 MiB of memory.
pub(crate) fn verify(password: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// A password a person can read out: four groups of four letters, 52 bits of chance.
pub(crate) fn readable() -> Result<String> {
    const CONSONANTS: &[u8] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8] = b"aeiouy";
    let mut out = String::with_capacity(19);
    for group in 0..4 {
        if group > 0 {
            out.push('-');
        }
        for _ in 0..2 {
            out.push(pick(CONSONANTS)?);
            out.push(pick(VOWELS)?);
        }
    }
    Ok(out)
}

/// One of `letters` (at most 256), each as likely as the other.
fn pick(letters: &[u8]) -> Result<char> {
    let fair = 256 - 256 % letters.len();
    loop {
        let mut octet = [0];
        fill(&mut octet)?;
        let octet = usize::from(octet[0]);
        if octet < fair
            && let Some(letter) = letters.get(octet % letters.len())
        {
            return Ok(char::from(*letter));
        }
    }
}

/// Fills with random octets of the system.
pub(crate) fn fill(octets: &mut [u8]) -> Result<()> {
    getrandom::fill(octets).map_err(|e| Fault::new(format!("the system gives no random numbers: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let hash = hash(b"s\xe4cret").unwrap();
        assert!(is_hash(&hash), "{hash}");
        assert!(verify(b"s\xe4cret", &hash));
        assert!(!verify(b"secret", &hash));
        assert!(!verify(b"s\xe4cret", "$argon2id$broken"));
    }

    #[test]
    fn other_hashes_are_not_taken_for_ours() {
        for text in ["", "secret", "$2b$10$abc", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1"] {
            assert!(!is_hash(text), "{text}");
        }
    }

    #[test]
    fn readable_passwords_differ() {
        let (a, b) = (readable().unwrap(), readable().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 19);
        assert!(acceptable(a.as_bytes()).is_ok());
    }
}
