//! Passwords: Argon2id hashes, and readable ones made by chance.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use auth_sasl::{
    Secret,
    prepare::{self, Purpose},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    certificate,
    fault::{Fault, Result},
};

/// Memory of one hashing, in blocks of 1 KiB, at most: 1 GiB.
const MOST: u32 = 1 << 20;
/// Blocks that are allocated at least, though not touched: from 32 MiB on, the allocator gives memory back to
/// the system as soon as it is free, whatever it has learnt before.
const OF_ITS_OWN: usize = 40 * 1024;

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
    let mut salt = [0; 16];
    fill(&mut salt)?;
    let params = Params::default();
    let text = || {
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        let params_text = ParamsString::try_from(&params)?;
        compute(Argon2::new(Algorithm::Argon2id, Version::V0x13, params), password, &salt, &mut out)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: params_text,
            salt: Some(Salt::new(&salt)?),
            hash: Some(Output::new(&out)?),
        };
        Ok(hash.to_string())
    };
    text().map_err(|e: argon2::password_hash::Error| Fault::new(format!("cannot hash a password: {e}")))
}

/// Whether this is a hash [`verify`] can read.
pub(crate) fn is_hash(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|h| parts(&h).is_some())
}

/// How to hash for comparing with this hash: its algorithm, salt and octets.
fn parts(hash: &PasswordHash) -> Option<(Argon2<'static>, &Salt, &Output)> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from).ok()?;
    let params = Params::try_from(hash).ok()?;
    let fits = algorithm == Algorithm::Argon2id && params.m_cost() <= MOST;
    let argon2 = Argon2::new(algorithm, version, params);
    if fits { Some((argon2, hash.salt.as_ref()?, hash.hash.as_ref()?)) } else { None }
}

/// Whether the password has this hash. Some 20 ms of work and 19 MiB of memory.
pub(crate) fn verify(password: &[u8], hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    let Some((argon2, salt, expected)) = parts(&hash) else { return false };
    let mut out = vec![0; expected.as_ref().len()];
    // Secrets are compared in a time that tells nothing.
    compute(argon2, password, salt.as_ref(), &mut out).is_ok()
        && Secret::from(out) == Secret::new(expected.as_ref())
}

/// Hashes the password as SASLprep makes it (RFC 4013), as PLAIN gives it already and LOGIN commands do not: by either
/// way in, it is the same password. What has no prepared form is taken as it is.
fn compute(argon2: Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> argon2::Result<()> {
    let prepared = prepare::password(password, Purpose::Query);
    let password = prepared.as_ref().map_or(password, Secret::expose);
    let blocks = argon2.params().block_count();
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(blocks.max(OF_ITS_OWN)).map_err(|_| argon2::Error::OutOfMemory)?;
    memory.resize(blocks, Block::new());
    argon2.hash_password_into_with_memory(password, salt, out, &mut memory)
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

/// A secret of this server's own that stays the same: read from the file, or made where it is missing.
pub(crate) fn kept_secret(file: &std::path::Path) -> Result<Zeroizing<Vec<u8>>> {
    let fault = |e: std::io::Error| Fault::new(format!("cannot read {}: {e}", file.display()));
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().len() >= 32 => return Ok(Zeroizing::new(text.trim().as_bytes().to_vec())),
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(fault(e)),
    }
    let mut octets = Zeroizing::new([0; 32]);
    fill(&mut *octets)?;
    let text = Zeroizing::new(STANDARD.encode(*octets));
    certificate::write(file, 0o600, &text)?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// Fills with random octets of the system.
pub(crate) fn fill(octets: &mut [u8]) -> Result<()> {
    getrandom::fill(octets).map_err(|e| Fault::new(format!("the system gives no random numbers: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_same_whether_it_was_prepared_before_or_not() {
        let hash = hash("ein hal\u{fb02}ing \u{bd}".as_bytes()).unwrap();
        assert!(verify("ein halfling 1\u{2044}2".as_bytes(), &hash), "as PLAIN hands it over");
        assert!(verify("ein hal\u{fb02}ing \u{bd}".as_bytes(), &hash), "as the LOGIN command does");
        assert!(!verify(b"ein halfling 12", &hash));
    }

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let hash = hash(b"s\xe4cret").unwrap();
        assert!(is_hash(&hash), "{hash}");
        assert!(verify(b"s\xe4cret", &hash));
        assert!(!verify(b"secret", &hash));
        assert!(!verify(b"s\xe4cret", "$argon2id$broken"));
    }

    #[test]
    fn a_hash_made_elsewhere_with_the_same_algorithm_verifies() {
        let hash = argon2::password_hash::PasswordHasher::hash_password_with_salt(
            &Argon2::default(),
            b"password",
            b"somesalt",
        );
        let hash = hash.unwrap().to_string();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$"), "{hash}");
        assert!(verify(b"password", &hash));
        assert!(!verify(b"passwore", &hash));
    }

    #[test]
    fn other_hashes_are_not_taken_for_ours() {
        for text in [
            "",
            "secret",
            "$2b$10$abc",
            "$argon2id$",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=2,p=1",
        ] {
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
