//! `tls-server-end-point`: which hash of the server's certificate binds a login to it.

use bytes::Bytes;
use futures_rustls::rustls::crypto::{CryptoProvider, hash::HashAlgorithm};

/// The hash by which a certificate (DER) is the `tls-server-end-point` channel binding (RFC 5929 section 4.1): that of
/// its signature, SHA-256 in place of MD5 and SHA-1. `None` where the signature has no single hash (Ed25519, RSA-PSS,
/// which has it in its parameters): there is no such binding then.
#[must_use]
pub fn end_point_hash(certificate: &[u8]) -> Option<HashAlgorithm> {
    // RFC 5280 section 4.1: Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID ... } ... }
    let (certificate, _) = element(SEQUENCE, certificate)?;
    let (_, after_tbs) = element(SEQUENCE, certificate)?;
    let (algorithm, _) = element(SEQUENCE, after_tbs)?;
    let (oid, _) = element(OID, algorithm)?;
    // RFC 4055, RFC 5758
    match oid {
        // md5, sha1, sha256 WithRSAEncryption; ecdsa-with-SHA1, -SHA256
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => Some(HashAlgorithm::SHA256),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => {
            Some(HashAlgorithm::SHA384)
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => {
            Some(HashAlgorithm::SHA512)
        }
        _ => None,
    }
}

/// The binding of this certificate, where `provider` has the hash: those of its cipher suites, SHA-256 and SHA-384.
pub(crate) fn end_point(certificate: &[u8], provider: &CryptoProvider) -> Option<Bytes> {
    use futures_rustls::rustls::SupportedCipherSuite::{Tls12, Tls13};
    let wanted = end_point_hash(certificate)?;
    let hash = provider.cipher_suites.iter().find_map(|suite| {
        let hash = match suite {
            Tls13(suite) => suite.common.hash_provider,
            #[allow(unreachable_patterns, reason = "rustls without its feature for TLS 1.2 has one alone")]
            Tls12(suite) => suite.common.hash_provider,
        };
        (hash.algorithm() == wanted).then_some(hash)
    })?;
    Some(Bytes::copy_from_slice(hash.hash(certificate).as_ref()))
}

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;

/// The content of a DER element with this tag at the start, and what follows the element.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        // Four octets tell the length of any certificate.
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            (digits.iter().fold(0, |n, digit| n << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    fn certificate(algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        CertificateParams::new(["mail.test".to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        for (algorithm, hash) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(HashAlgorithm::SHA256)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(HashAlgorithm::SHA384)),
            (&rcgen::PKCS_ED25519, None),
        ] {
            let certificate = certificate(algorithm);
            assert_eq!(end_point_hash(&certificate), hash, "{algorithm:?}");
            let provider = rustls::crypto::ring::default_provider();
            let octets = end_point(&certificate, &provider).map(|hash| hash.len());
            assert_eq!(octets, hash.map(|h| if h == HashAlgorithm::SHA256 { 32 } else { 48 }));
            // Cut short anywhere, it is none, and nothing breaks.
            for n in 0..certificate.len() {
                let _ = end_point_hash(&certificate[..n]);
            }
        }
        assert_eq!(end_point_hash(b""), None);
        assert_eq!(end_point_hash(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(end_point_hash(&[0x30, 0x80]), None);
    }

    #[test]
    fn old_hashes_are_replaced() {
        // Only the frame of a certificate, with the OID of its signature.
        let of = |oid: &[u8]| {
            let mut algorithm = vec![OID, u8::try_from(oid.len()).unwrap()];
            algorithm.extend(oid);
            let mut all = vec![0x30, 0, 0x30, u8::try_from(algorithm.len()).unwrap()];
            all.extend(&algorithm);
            let mut certificate = vec![0x30, 0x81, u8::try_from(all.len()).unwrap()];
            certificate.extend(all);
            end_point_hash(&certificate)
        };
        let rsa = |n| of(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, n]);
        for (n, hash) in [
            (4, Some(HashAlgorithm::SHA256)),
            (5, Some(HashAlgorithm::SHA256)),
            (10, None),
            (11, Some(HashAlgorithm::SHA256)),
            (12, Some(HashAlgorithm::SHA384)),
            (13, Some(HashAlgorithm::SHA512)),
        ] {
            assert_eq!(rsa(n), hash, "{n}");
        }
        assert_eq!(of(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]), Some(HashAlgorithm::SHA256));
        assert_eq!(of(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4]), Some(HashAlgorithm::SHA512));
    }
}
