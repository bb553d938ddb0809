"""Every SASL mechanism that a real client speaks: Python's libraries with scramp, curl, msmtp, mpop."""
import base64, datetime, glob, hashlib, hmac, imaplib, poplib, smtplib, socket
from lib import *

try:
    import scramp
except ImportError:
    sys.exit("no scramp: python3 -m pip install scramp")

FILES = tempfile.mkdtemp(prefix="auth-")
atexit.register(shutil.rmtree, FILES, ignore_errors=True)


def openssl(*args, data=None):
    return command(["openssl", *args], data=data)


def certificates():
    """An authority, and a certificate of alice's."""
    at = lambda name: os.path.join(FILES, name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=CA", "-days", "2",
            "-keyout", at("ca.key"), "-out", at("ca.pem"))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=alice",
            "-keyout", at("alice.key"), "-out", at("alice.csr"))
    with open(at("ext"), "w") as f:
        f.write(f"subjectAltName=email:{ALICE}\nextendedKeyUsage=clientAuth\n")
    openssl("x509", "-req", "-in", at("alice.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2",
            "-extfile", at("ext"), "-out", at("alice.pem"))
    return at


at = certificates()
EXTRA = (f'[tls]\nclient_ca = "{at("ca.pem")}"\n'
         f'[tokens]\nissuer = "https://issuer.test"\naudience = "mail"\njwks = "{FILES}/jwks.json"\nsigning_key = "{FILES}/key.pem"\n'
         '[[mailbox]]\naddress = "office@example.test"\nshared_with = ["alice@example.test"]\n')


def token(server, *args):
    return command([BINARY, "token", *args, "--config", server.config]).decode().strip()


server = Server(auth="cram_md5 = true\n", extra=EXTRA, prepare=lambda s: token(s, "keygen"))
P = server.ports
TOKEN = token(server, "issue", ALICE)
certificate = at("server.pem")
with open(certificate, "w") as f:
    f.write(ssl.get_server_certificate((HOST, P["imaps"])))


def tls(client_certificate=False):
    c = context()
    if client_certificate:
        c.load_cert_chain(at("alice.pem"), at("alice.key"))
    return c


class Imap:
    name = "imap"

    def __init__(self, mode, c):
        self.m = imaplib.IMAP4_SSL(HOST, P["imaps"], ssl_context=c, timeout=30) if mode == "tls" else imaplib.IMAP4(HOST, P["imap"], timeout=30)
        if mode == "starttls":
            self.m.starttls(c)
        self.sock = self.m.sock

    def login(self, mechanism, step):
        try:
            return self.m.authenticate(mechanism, lambda challenge: step(challenge))[0] == "OK"
        except imaplib.IMAP4.error:
            return False


class Pop:
    name = "pop3"

    def __init__(self, mode, c):
        self.p = poplib.POP3_SSL(HOST, P["pop3s"], context=c, timeout=30) if mode == "tls" else poplib.POP3(HOST, P["pop3"], timeout=30)
        if mode == "starttls":
            self.p.stls(c)
        self.sock = self.p.sock

    def login(self, mechanism, step):
        """poplib has no AUTH: its connection is used."""
        self.p._putcmd(f"AUTH {mechanism}")
        while True:
            line = self.p._getline()[0]
            if not line.startswith(b"+ "):
                return line.startswith(b"+OK")
            self.p._putline(base64.b64encode(step(base64.b64decode(line[2:])) or b""))

    def quit(self):
        self.p.quit()


class Smtp:
    name = "submission"

    def __init__(self, mode, c):
        self.s = smtplib.SMTP_SSL(HOST, P["submissions"], context=c, timeout=30) if mode == "tls" else smtplib.SMTP(HOST, P["submission"], timeout=30)
        if mode == "starttls":
            self.s.starttls(context=c)
        self.s.ehlo()
        self.sock = self.s.sock

    def login(self, mechanism, step):
        code, _ = self.s.docmd("AUTH", mechanism)
        while code == 334:
            challenge = base64.b64decode(_ or b"")
            code, _ = self.s.docmd(base64.b64encode(step(challenge) or b"").decode())
            if code == 501:
                return False
        return code == 235


def scram(mechanism, user, password, binding=None):
    client = scramp.ScramClient([mechanism], user, password, channel_binding=binding)
    state = [0]

    def step(challenge):
        state[0] += 1
        if state[0] == 1:
            return client.get_client_first().encode()
        if state[0] == 2:
            client.set_server_first(challenge.decode())
            return client.get_client_final().encode()
        client.set_server_final(challenge.decode())  # raises, if the server does not know the password
        return b""
    step.proved = lambda: state[0] == 3
    return step


def plain(user, password, acts_as=""):
    return lambda challenge: f"{acts_as}\0{user}\0{password}".encode()


def two(user, password):
    answers = iter([user.encode(), password.encode()])
    return lambda challenge: next(answers)


def cram(user, password):
    return lambda challenge: f"{user} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}".encode()


def once(message):
    """A bearer token's message; the answer to the server's JSON is what the mechanism wants."""
    answers = iter([message, b"\x01" if message.startswith(b"n,") else b""])
    return lambda challenge: next(answers)


def xoauth2(user, token):
    return once(f"user={user}\x01auth=Bearer {token}\x01\x01".encode())


def oauthbearer(user, token):
    return once(f"n,a={user},\x01host=localhost\x01port=993\x01auth=Bearer {token}\x01\x01".encode())


SCRAMS = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
for mode in ("plain", "starttls", "tls"):
    for Client in (Imap, Pop, Smtp):
        @step(f"python: {Client.name} {mode}: each mechanism with the right and with a wrong secret")
        def _():
            cases = {"PLAIN": plain, "LOGIN": two, "CRAM-MD5": cram}
            for name, make in cases.items():
                assert Client(mode, tls()).login(name, make(ALICE, SECRET)), name
                assert not Client(mode, tls()).login(name, make(ALICE, "wrong")), name
            for name in SCRAMS:
                right = scram(name, ALICE, SECRET)
                # A client that could bind says so where -PLUS is not listed; scramp says `n`.
                assert Client(mode, tls()).login(name, right) and right.proved(), name
                assert not Client(mode, tls()).login(name, scram(name, ALICE, "wrong")), name
                assert not Client(mode, tls()).login(name, scram(name, "nobody@example.test", SECRET)), name
            for name, make in {"XOAUTH2": xoauth2, "OAUTHBEARER": oauthbearer}.items():
                assert Client(mode, tls()).login(name, make(ALICE, TOKEN)), name
                assert not Client(mode, tls()).login(name, make(BOB, TOKEN)), name
                assert not Client(mode, tls()).login(name, make(ALICE, TOKEN[:-4] + "AAAA")), name
                assert Client(mode, tls()).login(name, make("office@example.test", TOKEN)), f"{name}: a shared mailbox"
            if mode != "plain":
                assert Client(mode, tls(True)).login("EXTERNAL", lambda challenge: b"")
                assert not Client(mode, tls()).login("EXTERNAL", lambda challenge: b"")
                for name in SCRAMS:
                    c = Client(mode, tls())
                    # The hash of the certificate (RFC 5929 section 4.1), whose signature is with SHA-256.
                    binding = ("tls-server-end-point", hashlib.sha256(c.sock.getpeercert(True)).digest())
                    right = scram(name + "-PLUS", ALICE, SECRET, binding)
                    assert c.login(name + "-PLUS", right) and right.proved(), name
                    other = (binding[0], bytes(len(binding[1])))
                    assert not Client(mode, tls()).login(name + "-PLUS", scram(name + "-PLUS", ALICE, SECRET, other)), name


@step("python: APOP")
def _():
    p = poplib.POP3(HOST, P["pop3"], timeout=30)
    p.apop(ALICE, SECRET)
    p.quit()
    try:
        poplib.POP3(HOST, P["pop3"], timeout=30).apop(ALICE, "wrong")
    except poplib.error_proto:
        return
    raise AssertionError("a wrong secret opens")


def curl(url, *more, **kw):
    return command(["curl", "-sS", "--cacert", certificate, "--user", f"{ALICE}:{SECRET}", url, *more], **kw)


NAMES = {"smtp": "submission", "smtps": "submissions"}
for scheme in ("imap", "imaps", "pop3", "pop3s", "smtp", "smtps"):
    @step(f"curl: {scheme}")
    def _():
        url = f"{scheme}://localhost:{P[NAMES.get(scheme, scheme)]}"
        more = [] if scheme.endswith("s") else ["--ssl-reqd"]
        more += ["-X", "NOOP"] if scheme.startswith("smtp") else []
        for name in ("PLAIN", "LOGIN", "CRAM-MD5"):
            curl(url, *more, "--login-options", f"AUTH={name}")
            if name == "CRAM-MD5":
                command(["curl", "-sS", "--cacert", certificate, "--user", f"{ALICE}:wrong", url, *more, "--login-options", "AUTH=CRAM-MD5"], fails=True)
        for name in ("XOAUTH2", "OAUTHBEARER"):
            bearer = lambda t, **kw: command(["curl", "-sS", "--cacert", certificate, "--user", f"{ALICE}:", "--oauth2-bearer", t, url, *more,
                                              "--login-options", f"AUTH={name}"], **kw)
            bearer(TOKEN)
            bearer(TOKEN[:-4] + "AAAA", fails=True)
        # With a password curl does not consider EXTERNAL.
        command(["curl", "-sS", "--cacert", certificate, "--user", f"{ALICE}:", url, *more, "--login-options", "AUTH=EXTERNAL",
                 "--cert", at("alice.pem"), "--key", at("alice.key")])


def common(program, port, starttls, auth, secret):
    external = [f"--tls-cert-file={at('alice.pem')}", f"--tls-key-file={at('alice.key')}"] if auth == "external" else []
    if program == "mpop":
        with open(at("mpoprc"), "w") as f:
            lines = ["account default", "host localhost", f"port {port}", "tls on", f"tls_starttls {starttls}", f"tls_trust_file {certificate}",
                     f"auth {auth}", f"user {ALICE}", f"passwordeval echo '{secret}'", "keep on", "delivery mda /bin/true", f"uidls_file {at('uidls')}"]
            lines += [f"{name[2:].replace('-', '_')} {value}" for name, value in (l.split("=", 1) for l in external)]
            f.write("\n".join(lines) + "\n")
        os.chmod(at("mpoprc"), 0o600)
        return ["mpop", "-C", at("mpoprc"), "--auth-only"]
    return ["msmtp", "-C", "/dev/null", "--host=localhost", f"--port={port}", "--tls=on", f"--tls-starttls={starttls}",
            f"--tls-trust-file={certificate}", f"--auth={auth}", f"--user={ALICE}", f"--passwordeval=echo '{secret}'", *external, f"--from={ALICE}", BOB]


AUTHS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "oauthbearer", "xoauth2", "external")
for starttls in ("on", "off"):
    for auth in AUTHS:
        @step(f"msmtp: {'starttls' if starttls == 'on' else 'tls'}, {auth}")
        def _():
            port = P["submission"] if starttls == "on" else P["submissions"]
            data = message(f"by {auth}").replace(b"\r\n", b"\n")
            command(common("msmtp", port, starttls, auth, TOKEN if auth.endswith(("bearer", "oauth2")) else SECRET), data=data)
            if auth != "external":
                command(common("msmtp", port, starttls, auth, "wrong"), data=data, fails=True)
    for auth in ("user", "apop", *AUTHS):
        @step(f"mpop: {'starttls' if starttls == 'on' else 'tls'}, {auth}")
        def _():
            port = P["pop3"] if starttls == "on" else P["pop3s"]
            command(common("mpop", port, starttls, auth, TOKEN if auth.endswith(("bearer", "oauth2")) else SECRET))
            if auth != "external":
                command(common("mpop", port, starttls, auth, "wrong"), fails=True)


@step("no password and no token stands in the log")
def _():
    log = open(server.log.name, "rb").read()
    assert log.count(b"logged in") > 50
    for secret in (SECRET, TOKEN, TOKEN.split(".")[1]):
        for form in (secret.encode(), base64.b64encode(f"\0{ALICE}\0{secret}".encode()), base64.b64encode(secret.encode())):
            assert form not in log, form[:20]


done()
