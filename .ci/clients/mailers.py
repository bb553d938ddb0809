"""swaks, nodemailer, fetchmail, mpop and getmail against the example server. A program that is missing is skipped with a line."""
import imaplib
from lib import *

server = Server(extra='[lmtp]\nlisten = ["unix:lmtp.sock"]\n')
P = server.ports
certificate = os.path.join(server.home, "cert.pem")
with open(certificate, "w") as f:
    f.write(ssl.get_server_certificate((HOST, P["imaps"])))


def has(program):
    if shutil.which(program):
        return True
    print(f"skip  {program}: not installed")
    return False


def newest(user=BOB):
    m = imaplib.IMAP4_SSL(HOST, P["imaps"], ssl_context=context(), timeout=20)
    m.login(user, SECRET)
    m.select("INBOX", readonly=True)
    got = m.fetch("*", "(BODY.PEEK[])")[1][0][1]
    m.logout()
    return got


def lines(data):
    return data.replace(b"\r\n", b"\n")


if has("swaks"):
    tls = subprocess.run(["perl", "-MNet::SSLeay", "-e", "1"], capture_output=True).returncode == 0
    if not tls:
        print("skip  swaks: starttls: Net::SSLeay is not installed")
    for name, flags in (("plain", ["--auth", "PLAIN"]), ("starttls", ["-tls", "--auth", "LOGIN"]), ("pipelined", ["--pipeline", "--auth", "CRAM-MD5,PLAIN"])):
        if "-tls" in flags and not tls:
            continue

        @step(f"swaks: {name}")
        def _():
            out = command(["swaks", "--server", HOST, "--port", str(P["submission"]), "--from", ALICE, "--to", BOB, *flags,
                           "--auth-user", ALICE, "--auth-password", SECRET, "--header", f"Subject: swaks {name}", "--body", ".\n..two\nbody"])
            got = newest()
            assert b"Subject: swaks " + name.encode() in got and b"\r\n.\r\n..two\r\nbody" in got, (got, out[-400:])

    @step("swaks: LMTP over a Unix socket")
    def _():
        command(["swaks", "--protocol", "LMTP", "--socket", os.path.join(server.home, "lmtp.sock"), "--from", "mta@else.test", "--to", BOB,
                 "--header", "Subject: swaks lmtp"])
        assert b"Subject: swaks lmtp" in newest() and b"with LMTP id" in newest()

if folder := node(server, "nodemailer", "nodemailer@7"):
    for secure, port in (("false", P["submission"]), ("true", P["submissions"])):
        @step(f"nodemailer: implicit TLS {secure}, DSN, an attachment, an internationalised subject")
        def _():
            script = f"""
            const t = require("nodemailer").createTransport({{host: "{HOST}", port: {port}, secure: {secure},
              tls: {{rejectUnauthorized: false}}, auth: {{user: "{ALICE}", pass: "{SECRET}"}}}});
            t.sendMail({{from: "Alice <{ALICE}>", to: "{BOB}", subject: "grüße {secure}", text: ".\\n..x\\nbody",
              dsn: {{id: "N1", return: "headers", notify: ["success", "failure"], recipient: "{BOB}"}},
              attachments: [{{filename: "a.bin", content: Buffer.alloc(100000, 7)}}]}})
             .then(i => console.log(i.response), e => {{ console.error(e); process.exit(1) }});"""
            with open(os.path.join(folder, "send.js"), "w") as f:
                f.write(script)
            out = command(["node", "send.js"], cwd=folder)
            assert out.startswith(b"250 2.0.0 kept as"), out
            assert b"a.bin" in newest()
            assert b"Action: delivered" in newest(ALICE), "the report"


def greeting(port):
    with socket.create_connection((HOST, port), 20) as s:
        return s.makefile("rb").readline()


def maildrop(program, count=3):
    """So many messages for bob, and what they are."""
    import smtplib
    sent = []
    with smtplib.SMTP(HOST, P["submission"], timeout=20) as s:
        s.login(ALICE, SECRET)
        for i in range(count):
            sent.append(message(f"for {program} {i}", 5000 * i))
            s.sendmail(ALICE, [BOB], sent[-1])
    return sent


def check(folder, sent):
    got = [lines(open(os.path.join(folder, d, n), "rb").read()) for d in ("new", "cur") for n in os.listdir(os.path.join(folder, d))]
    for text in sent:
        # Programs add fields of their own and may change the first line's envelope, but not the message.
        body = lines(text).split(b"\n\n", 1)[1].rstrip()
        assert any(g.rstrip().endswith(body) for g in got), (text[:200], len(got))


def box(name):
    folder = os.path.join(server.home, name)
    for d in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(folder, d), exist_ok=True)
    return folder


if has("mpop"):
    for tls in ("on", "starttls"):
        @step(f"mpop: tls {tls}, leaves copies, fetches each once")
        def _():
            sent, folder = maildrop("mpop"), box("mpop-" + tls)
            fetch = lambda: command(["mpop", "-C", "/dev/null", "--host=localhost", f"--port={P['pop3s'] if tls == 'on' else P['pop3']}", "--tls=on",
                                     f"--tls-starttls={'off' if tls == 'on' else 'on'}", f"--tls-trust-file={certificate}", f"--user={BOB}",
                                     f"--passwordeval=echo '{SECRET}'", "--keep=on", f"--uidls-file={folder}/uidls", f"--delivery=maildir,{folder}"])
            fetch()
            check(folder, sent)
            count = len(os.listdir(folder + "/new"))
            fetch()
            assert len(os.listdir(folder + "/new")) == count, "copies were fetched twice"

if has("getmail"):
    @step("getmail: POP3 over TLS, leaves copies")
    def _():
        sent, folder = maildrop("getmail"), box("getmail")
        with open(folder + "/rc", "w") as f:
            f.write(f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {P['pop3s']}\nusername = {BOB}\npassword = {SECRET}\n"
                    f'[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ("-c", "cat > {folder}/new/$$")\nallow_root_commands = true\n'
                    f"[options]\nread_all = false\ndelete = false\n")
        command(["getmail", "--getmaildir", folder, "--rcfile", "rc"], data=b"")
        check(folder, sent)

if has("fetchmail"):
    @step("fetchmail: POP3 with STLS, UIDL, keeps; hands over by LMTP to this server")
    def _():
        maildrop("fetchmail", 2)
        folder = box("fetchmail")
        rc = folder + "/rc"
        with open(rc, "w") as f:
            f.write(f'poll localhost service {P["pop3"]} protocol POP3 uidl user "{BOB}" password "{SECRET}" is "{BOB}" here '
                    f'sslproto TLS1.2+ sslcertfile "{certificate}" keep mda "cat >> {folder}/got"\n')
        os.chmod(rc, 0o700)
        env = dict(os.environ, HOME=folder, FETCHMAILHOME=folder)
        r = subprocess.run(["fetchmail", "-f", rc, "--nosyslog", "-d0"], env=env, capture_output=True, timeout=120)
        assert r.returncode == 0, (r.returncode, r.stdout[-300:], r.stderr[-300:])
        got = open(folder + "/got", "rb").read()
        assert got.count(b"Subject: for fetchmail ") == 2, got[-500:]

    @step("fetchmail: APOP, which is offered where it was asked for alone; the password is not sent, a wrong one opens nothing")
    def _():
        assert b"<" not in greeting(P["pop3"]), "not asked for"
        secrets = Server(auth="cram_md5 = true\n")
        assert re.search(rb"<[^<>@ ]+@[^<>@ ]+>\r\n$", greeting(secrets.ports["pop3"]))
        import smtplib
        with smtplib.SMTP(HOST, secrets.ports["submission"], timeout=20) as s:
            s.login(ALICE, SECRET)
            for i in range(2):
                s.sendmail(ALICE, [BOB], message(f"by apop {i}", 3000))
        folder = box("apop")
        for password, code in (("wrong", 3), (SECRET, 0)):
            rc = folder + "/rc"
            with open(rc, "w") as f:
                f.write(f'poll localhost service {secrets.ports["pop3"]} protocol APOP uidl user "{BOB}" password "{password}" is "{BOB}" here '
                        f'sslproto "" keep mda "cat >> {folder}/got"\n')
            os.chmod(rc, 0o700)
            env = dict(os.environ, HOME=folder, FETCHMAILHOME=folder)
            r = subprocess.run(["fetchmail", "-f", rc, "--nosyslog", "-d0", "-vv"], env=env, capture_output=True, timeout=120)
            assert r.returncode == code, (r.returncode, r.stdout[-300:], r.stderr[-300:])
            said = r.stdout + r.stderr
            assert b"APOP " + BOB.encode() in said and b"PASS " not in said and b"AUTH " not in said, said[-600:]
        got = open(folder + "/got", "rb").read()
        assert got.count(b"Subject: by apop ") == 2, got[-500:]
        secrets.stop()

done()
