//! Dovecot as the control: the same scripts against a server that many have used for long.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct Dovecot {
    child: Child,
    pub(crate) address: String,
    _dir: tempfile::TempDir,
}

impl Dovecot {
    /// Starts one with `users` users; says why where it cannot.
    pub(crate) fn start(users: usize) -> Result<Self, String> {
        let binary = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"]
            .into_iter()
            .find(|b| Path::new(b).exists())
            .ok_or("dovecot is not installed")?;
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
        let d = dir.path().display();
        let passwords: String = (0..users).map(|n| format!("d{n}:{{PLAIN}}secret\n")).collect();
        fs::write(dir.path().join("passwd"), passwords).map_err(|e| e.to_string())?;
        let config = format!(
            "base_dir = {d}/run\nstate_dir = {d}/state\nlog_path = {d}/dovecot.log\nlisten = 127.0.0.1\nprotocols = imap\n\
             mail_home = {d}/mail/%n\nmail_location = mdbox:~/mdbox\nmail_uid = mail\nmail_gid = mail\nfirst_valid_uid = 1\n\
             first_valid_gid = 1\ndisable_plaintext_auth = no\nssl = no\nauth_mechanisms = plain\n\
             mail_max_userip_connections = 200\n\
             passdb {{\n driver = passwd-file\n args = scheme=PLAIN {d}/passwd\n}}\n\
             userdb {{\n driver = static\n args = uid=mail gid=mail\n}}\n\
             namespace inbox {{\n inbox = yes\n separator = /\n}}\n\
             service imap-login {{\n inet_listener imap {{\n port = {port}\n }}\n inet_listener imaps {{\n port = 0\n }}\n service_count = 0\n}}\n\
             service stats {{\n unix_listener stats-writer {{\n mode = 0666\n }}\n}}\n"
        );
        let file = dir.path().join("dovecot.conf");
        fs::write(&file, config).map_err(|e| e.to_string())?;
        fs::create_dir_all(dir.path().join("mail")).map_err(|e| e.to_string())?;
        // Its processes run as other users.
        for (path, owner) in [(dir.path().to_path_buf(), "root:root"), (dir.path().join("mail"), "mail:mail")]
        {
            let _ = Command::new("chown").arg(owner).arg(&path).status();
            let _ = Command::new("chmod").arg("755").arg(&path).status();
        }
        let child = Command::new(binary)
            .args(["-F", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let server = Self { child, address: format!("127.0.0.1:{port}"), _dir: dir };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(&server.address).is_err() {
            if Instant::now() > until {
                let log = fs::read_to_string(server._dir.path().join("dovecot.log")).unwrap_or_default();
                return Err(format!("dovecot does not start (it wants root): {log}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
