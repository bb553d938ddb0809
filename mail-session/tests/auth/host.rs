//! An authority that knows one user by everything.

use std::{
    borrow::Cow,
    sync::{LazyLock, Mutex},
};

use mail_session::auth::*;

/// SCRAM keys of `tanstaaf`, made once.
static KEYS: LazyLock<[StoredKeys; 3]> = LazyLock::new(|| {
    [Hash::Sha1, Hash::Sha256, Hash::Sha512]
        .map(|hash| StoredKeys::derive(hash, b"tanstaaf", b"salt", 4096).unwrap())
});

/// Knows tim by everything; he may act as `shared`. Notes what it is told of wrong proofs.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) disproved: Mutex<Vec<String>>,
}

pub(crate) fn enter(user: &str, authzid: Option<&str>) -> Result<Identity, AuthError> {
    match authzid {
        None => Ok(Identity::new(user)),
        Some("shared") => Ok(Identity::acting(user, "shared", "shared")),
        Some(_) => Err(AuthErrorKind::NotAllowed.into()),
    }
}

impl Authority for Host {
    async fn password(
        &self,
        _: &LoginContext,
        user: &str,
        authzid: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        match (user, password) {
            ("tim", b"tanstaaf") => enter(user, authzid),
            _ => Err(AuthErrorKind::Wrong.into()),
        }
    }
    async fn bearer(
        &self,
        _: &LoginContext,
        user: Option<&str>,
        token: &[u8],
    ) -> Result<Identity, AuthError> {
        match (user, token) {
            (Some("tim"), b"tanstaaf") => Ok(Identity::new("tim")),
            _ => Err(AuthErrorKind::Wrong.into()),
        }
    }
    async fn scram_keys(
        &self,
        _: &LoginContext,
        user: &str,
        hash: Hash,
    ) -> Result<Option<StoredKeys>, AuthError> {
        Ok(KEYS.iter().find(|keys| user == "tim" && keys.hash() == hash).cloned())
    }
    async fn shared_secret(&self, _: &LoginContext, user: &str) -> Result<Option<Secret>, AuthError> {
        Ok((user == "tim").then(|| Secret::new(b"tanstaaf")))
    }
    async fn authorize(
        &self,
        _: &LoginContext,
        user: &str,
        authzid: Option<&str>,
    ) -> Result<Identity, AuthError> {
        enter(user, authzid)
    }
    async fn disproved(&self, _: &LoginContext, user: &str) {
        self.disproved.lock().unwrap().push(user.to_owned());
    }
    async fn certificate(
        &self,
        _: &LoginContext,
        certificate: &[u8],
        authzid: Option<&str>,
    ) -> Result<Identity, AuthError> {
        assert_eq!(certificate, b"tim's");
        enter("tim", authzid)
    }
    async fn anonymous(&self, _: &LoginContext, _: &str) -> Result<Identity, AuthError> {
        Ok(Identity::new("anonymous"))
    }
    fn decoy(&self) -> Option<Decoy<'_>> {
        Some(Decoy { key: b"secret of this server", iterations: 4096 })
    }
    fn random(&self, octets: &mut [u8]) -> bool {
        octets.fill(7);
        true
    }
    fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
        Mechanism::ALL
    }
    fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
        Cow::Borrowed(&[
            Credential::Password,
            Credential::Bearer,
            Credential::ScramKeys(Hash::Sha1),
            Credential::ScramKeys(Hash::Sha256),
            Credential::ScramKeys(Hash::Sha512),
            Credential::CramMd5,
            Credential::Certificate,
            Credential::Anonymous,
        ])
    }
}
