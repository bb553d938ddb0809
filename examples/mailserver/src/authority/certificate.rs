//! Whom a client certificate stands for.

use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer as _, ParsedExtension},
};

/// Names looked at, at most.
const MOST: usize = 16;

/// The mail addresses in the certificate's subject alternative name (RFC 5280 section 4.2.1.6): not those of its
/// subject, which RFC 8550 section 3 calls deprecated.
pub(super) fn mailboxes(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .filter_map(|name| match name {
            GeneralName::RFC822Name(address) if address.contains('@') => Some((*address).to_owned()),
            _ => None,
        })
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    #[test]
    fn mail_addresses_are_read_and_other_names_are_not() {
        let mut params = CertificateParams::new(vec!["host.example.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "mallory@example.test");
        params.subject_alt_names.push(SanType::Rfc822Name("alice@example.test".try_into().unwrap()));
        params.subject_alt_names.push(SanType::Rfc822Name("a@example.test".try_into().unwrap()));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(mailboxes(certificate.der()), ["alice@example.test", "a@example.test"]);
        assert!(mailboxes(b"no certificate").is_empty());
    }
}
