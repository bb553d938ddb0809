//! Our client's side at a real server: Dovecot's authentication service, spoken to by its own socket
//! protocol, which carries SASL messages and nothing else. Skipped where Dovecot does not start.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_sasl::{Channel, ClientLogin, ClientMethod, ClientPolicy, Secret, choose, scram};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const MECHANISMS: [&str; 6] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "ANONYMOUS"];

struct Dovecot {
    process: Child,
    folder: PathBuf,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its own command lets its helpers end too.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn start() -> Option<Dovecot> {
    let program =
        ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].into_iter().find(|p| Path::new(p).exists())?;
    let folder = std::env::temp_dir().join(format!("auth-sasl-{}", std::process::id()));
    fs::create_dir_all(&folder).ok()?;
    let at = folder.display();
    let mechanisms = MECHANISMS.join(" ").to_lowercase();
    // With the password as it is, all mechanisms can be served; `keys` has our SCRAM keys alone.
    let keys = scram::StoredKeys::derive(scram::Hash::Sha256, b"pencil", b"sixteen octets..", 4096).unwrap();
    let keys = keys.to_text().trim_start_matches("SCRAM-SHA-256$").replace([':', '$'], ",");
    fs::write(folder.join("users"), format!("user:{{PLAIN}}pencil\nkeys:{{SCRAM-SHA-256}}{keys}\n")).ok()?;
    let conf = format!(
        "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols =\nssl = no\n\
         disable_plaintext_auth = no\nauth_mechanisms = {mechanisms}\nauth_anonymous_username = nobody\n\
         auth_failure_delay = 0\n\
         passdb {{\n driver = passwd-file\n args = {at}/users\n}}\n\
         userdb {{\n driver = static\n args = uid=nobody gid=nogroup home={at}\n}}\n\
         service anvil {{\n unix_listener anvil-auth-penalty {{\n mode = 0\n }}\n}}\n\
         service auth {{\n unix_listener sasl {{\n mode = 0666\n }}\n}}\n"
    );
    fs::write(folder.join("conf"), conf).ok()?;
    let process = Command::new(program)
        .arg("-F")
        .arg("-c")
        .arg(folder.join("conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Some(Dovecot { process, folder })
}

impl Dovecot {
    fn connect(&mut self) -> Option<UnixStream> {
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && self.process.try_wait().ok()?.is_none() {
            if let Ok(stream) = UnixStream::connect(self.folder.join("run/sasl")) {
                stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
                return Some(stream);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

/// One login; whether both sides say that it succeeded.
fn login(
    stream: &mut UnixStream,
    lines: &mut impl Iterator<Item = String>,
    id: usize,
    mechanism: &str,
    login: &ClientLogin,
) -> bool {
    let mut channel = Channel::default();
    let random = format!("at least eighteen octets {id}");
    channel.random = Some(random.as_bytes());
    let mut policy = ClientPolicy::encrypted(true);
    policy.cram_md5 = true;
    let mut client = choose(ClientMethod::BEST_FIRST, [mechanism], login, &channel, &policy).unwrap();
    let initial = client
        .initial()
        .unwrap()
        .map_or_else(String::new, |octets| format!("\tresp={}", STANDARD.encode(octets.expose())));
    writeln!(stream, "AUTH\t{id}\t{mechanism}\tservice=imap\tsecured{initial}").unwrap();
    loop {
        let line = lines.next().unwrap();
        let mut fields = line.split('\t');
        let verb = fields.next().unwrap();
        assert_eq!(fields.next(), Some(&*id.to_string()), "{line}");
        match verb {
            "CONT" => {
                let challenge = STANDARD.decode(fields.next().unwrap_or_default()).unwrap();
                match client.step(&challenge) {
                    Ok(response) => {
                        writeln!(stream, "CONT\t{id}\t{}", STANDARD.encode(response.expose())).unwrap();
                    }
                    Err(error) => panic!("{mechanism}: {error}"),
                }
            }
            "OK" => {
                let data = fields.find_map(|f| f.strip_prefix("resp=")).map(|d| STANDARD.decode(d).unwrap());
                client.success(data.as_deref()).unwrap();
                return true;
            }
            "FAIL" => return false,
            _ => panic!("{line}"),
        }
    }
}

#[test]
fn our_client_at_dovecot() {
    let Some(mut dovecot) = start() else {
        println!("no dovecot: not tested");
        return;
    };
    let Some(mut stream) = dovecot.connect() else {
        println!("dovecot does not start here: not tested");
        return;
    };
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(|line| line.unwrap());
    writeln!(stream, "VERSION\t1\t1\nCPID\t{}", std::process::id()).unwrap();
    while lines.next().unwrap() != "DONE" {}
    let with = |user: &str, password: &str| {
        let mut login = ClientLogin::password(user, Secret::new(password.as_bytes()));
        login.anonymous = Some("sirhc".into());
        login
    };
    let mut id = 0;
    // Dovecot takes half a second over each refusal: one of a kind.
    for (mechanism, user, password, right) in [
        ("SCRAM-SHA-256", "user", "pencil", true),
        ("SCRAM-SHA-256", "user", "pencils", false),
        ("SCRAM-SHA-256", "nobody", "pencil", false),
        ("SCRAM-SHA-256", "keys", "pencil", true),
        ("SCRAM-SHA-1", "user", "pencil", true),
        ("CRAM-MD5", "user", "pencil", true),
        ("CRAM-MD5", "user", "pencils", false),
        ("PLAIN", "user", "pencil", true),
        ("PLAIN", "keys", "pencil", true),
        ("LOGIN", "user", "pencil", true),
        ("LOGIN", "user", "pencils", false),
        ("ANONYMOUS", "", "", true),
    ] {
        id += 1;
        let entered = login(&mut stream, &mut lines, id, mechanism, &with(user, password));
        assert_eq!(entered, right, "{mechanism} {user} {password}");
    }
}
