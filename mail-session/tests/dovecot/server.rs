//! Dovecot with all its mechanisms, on ports of its own.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use ring::hmac;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::clients::Protocol;

/// Those of Dovecot 2.3 that are neither of Windows nor Kerberos nor of hashes nobody uses.
pub(crate) const MECHANISMS: [&str; 9] = [
    "PLAIN",
    "LOGIN",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "EXTERNAL",
    "ANONYMOUS",
    "OAUTHBEARER",
    "XOAUTH2",
];
pub(crate) const PASSWORD: &str = "pen cil";
const KEY: &[u8] = b"a key that signs tokens in this test";
const ISSUER: &str = "https://login.example.test";

pub(crate) struct Dovecot {
    process: Child,
    folder: tempfile::TempDir,
    ports: [u16; 5],
    /// Who signed the server's certificate and the user's.
    pub(crate) root: CertificateDer<'static>,
    pub(crate) user: (CertificateDer<'static>, Vec<u8>),
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its own signal lets its helpers end too.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

struct Authority(Issuer<'static, KeyPair>, CertificateDer<'static>, String);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "the test's own");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self(Issuer::new(params, key), certificate.der().clone(), certificate.pem())
    }

    fn sign(
        &self,
        names: &[&str],
        common: &str,
        purpose: ExtendedKeyUsagePurpose,
    ) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

impl Dovecot {
    pub(crate) fn start() -> Result<Self, String> {
        let program =
            ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].into_iter().find(|p| Path::new(p).exists());
        let program = program.ok_or("no dovecot")?;
        let parts = ["imap", "pop3", "submission"].map(|p| format!("/usr/lib/dovecot/{p}"));
        if let Some(missing) = parts.iter().find(|p| !Path::new(p).exists()) {
            return Err(format!("no {missing}"));
        }
        let folder = tempfile::Builder::new().permissions(mode(0o755)).tempdir().unwrap();
        let at = folder.path();
        let authority = Authority::new();
        let (server, server_key) =
            authority.sign(&["localhost"], "localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let (user, user_key) = authority.sign(&[], "user", ExtendedKeyUsagePurpose::ClientAuth);
        let write = |name: &str, text: &str| fs::write(at.join(name), text).unwrap();
        write("cert.pem", &server.pem());
        write("key.pem", &server_key.serialize_pem());
        write("ca.pem", &authority.2);
        write("users", &format!("user:{{PLAIN}}{PASSWORD}\n"));
        fs::create_dir_all(at.join("keys/default/HS256")).unwrap();
        write("keys/default/HS256/default", &STANDARD.encode(KEY));
        write(
            "oauth2.conf",
            &format!(
                "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={}/keys/\n\
             issuers = {ISSUER}\nusername_attribute = sub\n",
                at.display()
            ),
        );
        fs::create_dir(at.join("mail")).unwrap();
        fs::set_permissions(at.join("mail"), mode(0o777)).unwrap();
        // All held until each has its own.
        let listeners = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = listeners.each_ref().map(|l| l.local_addr().unwrap().port());
        drop(listeners);
        write("conf", &configuration(at, ports));
        let process = Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(at.join("conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("dovecot does not start: {e}"))?;
        let user = (user.der().clone(), user_key.serialize_der());
        let mut dovecot = Self { process, folder, ports, root: authority.1, user };
        let end = Instant::now() + Duration::from_secs(20);
        while !ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            if Instant::now() > end || dovecot.process.try_wait().unwrap().is_some() {
                return Err(format!("dovecot does not start here: {}", dovecot.log()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(dovecot)
    }

    pub(crate) fn port(&self, protocol: Protocol, tls: bool) -> u16 {
        self.ports[match (protocol, tls) {
            (Protocol::Imap, false) => 0,
            (Protocol::Imap, true) => 1,
            (Protocol::Pop3, false) => 2,
            (Protocol::Pop3, true) => 3,
            (Protocol::Submission, _) => 4,
        }]
    }

    pub(crate) fn user_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.user.1.clone().into())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// An access token that is good for so many seconds.
    pub(crate) fn token(&self, subject: &str, seconds: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let payload = format!(
            r#"{{"iss":"{ISSUER}","sub":"{subject}","iat":{},"nbf":{},"exp":{}}}"#,
            now - 1200,
            now - 1200,
            now + seconds
        );
        let text =
            [r#"{"alg":"HS256","typ":"JWT"}"#, &payload].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

fn configuration(at: &Path, [imap, imaps, pop3, pop3s, submission]: [u16; 5]) -> String {
    let at = at.display();
    let mechanisms = MECHANISMS.join(" ").to_lowercase();
    let listeners = |login: &str, plain: &str, port: u16, tls: &str, tls_port: u16| {
        format!(
            "service {login} {{\n inet_listener {plain} {{\n port = {port}\n }}\n inet_listener {tls} {{\n port = \
             {tls_port}\n ssl = yes\n }}\n}}\n"
        )
    };
    format!(
        "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap pop3 submission\n\
         listen = 127.0.0.1\nfirst_valid_uid = 1\nmail_location = maildir:{at}/mail/%u\nhostname = localhost\n\
         ssl = yes\nssl_cert = <{at}/cert.pem\nssl_key = <{at}/key.pem\nssl_ca = <{at}/ca.pem\n\
         ssl_verify_client_cert = yes\nssl_require_crl = no\nauth_ssl_username_from_cert = yes\n\
         disable_plaintext_auth = yes\nauth_mechanisms = {mechanisms}\nauth_anonymous_username = nobody\n\
         auth_failure_delay = 0\nauth_debug = yes\n\
         submission_relay_host = 127.0.0.1\nsubmission_relay_port = 9\nsubmission_backend_capabilities = 8BITMIME\n\
         passdb {{\n driver = static\n mechanisms = external\n args = nopassword\n}}\n\
         passdb {{\n driver = oauth2\n mechanisms = oauthbearer xoauth2\n args = {at}/oauth2.conf\n}}\n\
         passdb {{\n driver = passwd-file\n mechanisms = plain login scram-sha-1 scram-sha-256 cram-md5\n \
         args = {at}/users\n}}\n\
         userdb {{\n driver = static\n args = uid=nobody gid=nogroup home={at}/mail/%u\n}}\n\
         service anvil {{\n unix_listener anvil-auth-penalty {{\n mode = 0\n }}\n}}\n\
         {}{}service submission-login {{\n inet_listener submission {{\n port = {submission}\n }}\n}}\n",
        listeners("imap-login", "imap", imap, "imaps", imaps),
        listeners("pop3-login", "pop3", pop3, "pop3s", pop3s),
    )
}
