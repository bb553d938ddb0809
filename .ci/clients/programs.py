"""curl, mbsync and msmtp against the example server."""
import glob, imaplib
from lib import *

server = Server()
P = server.ports
certificate = os.path.join(server.home, "cert.pem")
with open(certificate, "w") as f:
    f.write(ssl.get_server_certificate((HOST, P["imaps"])))


def imap():
    m = imaplib.IMAP4_SSL(HOST, P["imaps"], ssl_context=context(), timeout=20)
    m.login(ALICE, SECRET)
    return m


def curl(url, *more, user=ALICE, **kw):
    return command(["curl", "-sS", "--cacert", certificate, "--user", f"{user}:{SECRET}", url, *more], **kw)


URLS = [("smtp", "imap", "pop3", []), ("smtp", "imap", "pop3", ["--ssl-reqd"]), ("smtps", "imaps", "pop3s", [])]
NAMES = {"smtp": "submission", "smtps": "submissions"}
for out, inn, drop, tls in URLS:
    @step(f"curl: {out}, {inn}, {drop} {' '.join(tls)}")
    def _():
        sent = message(f"by curl {out} {tls}", 3000)
        path = os.path.join(server.home, "mail.eml")
        with open(path, "wb") as f:
            f.write(sent)
        at = lambda scheme: f"{scheme}://localhost:{P[NAMES.get(scheme, scheme)]}"
        curl(at(out), *tls, "--mail-from", ALICE, "--mail-rcpt", BOB, "--upload-file", path)
        got = curl(at(inn) + "/INBOX;MAILINDEX=*", *tls, user=BOB)
        assert got.endswith(sent), got[-100:]
        listing = curl(at(drop), *tls, user=BOB).split()
        popped = curl(at(drop) + "/" + listing[-2].decode(), *tls, user=BOB)
        assert popped == got, (popped[-80:], got[-80:])
        curl(at(inn) + "/Archive", *tls, "--upload-file", path, user=BOB)
        found = curl(at(inn) + "/Archive", *tls, "-X", "SEARCH ALL", user=BOB)
        assert found.startswith(b"* SEARCH 1"), found
        curl(at(inn) + "/INBOX", *tls, user=BOB.replace("bob", "nobody"), fails=True)

for tls in ("on", "starttls", "off"):
    for auth in ("plain", "login"):
        @step(f"msmtp: tls {tls}, auth {auth}")
        def _():
            port, flag = (P["submissions"], "off") if tls == "on" else (P["submission"], "on")
            text = message(f"by msmtp {tls} {auth}")
            command(["msmtp", "-C", "/dev/null", "--host=localhost", f"--port={port}", f"--tls={'off' if tls == 'off' else 'on'}",
                     f"--tls-starttls={flag}", f"--tls-trust-file={certificate}", f"--auth={auth}", f"--user={ALICE}",
                     f"--passwordeval=echo '{SECRET}'", f"--from={ALICE}", ALICE], data=text.replace(b"\r\n", b"\n"))
            m = imap()
            m.select()
            newest = m.fetch("*", "(BODY.PEEK[])")[1][0][1]
            assert newest.endswith(text), newest[-200:]
            m.logout()


@step("mbsync: two-way, flags and deletions carried, the second run finds nothing to do")
def _():
    m = imap()
    m.create('"Entw&APw-rfe"')
    for i in range(20):
        m.append("Archive", "(\\Seen)" if i % 2 else None, None, message(f"sync {i}", 2000))
    m.append('"Entw&APw-rfe"', "(\\Flagged)", None, message("draft"))
    home = os.path.join(server.home, "mbsync")
    os.makedirs(home + "/mail")
    rc = home + "/rc"
    with open(rc, "w") as f:
        f.write(f"IMAPAccount a\nHost localhost\nPort {P['imaps']}\nUser {ALICE}\nPass \"{SECRET}\"\nSSLType IMAPS\nCertificateFile {certificate}\n\n"
                f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {home}/mail/\nInbox {home}/mail/INBOX\nSubFolders Verbatim\n\n"
                "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\nSyncState *\nCopyArrivalDate yes\n")
    sync = lambda: command(["mbsync", "-V", "-c", rc, "c"])
    def near():
        return {p: open(p, "rb").read() for d in ("cur", "new") for p in glob.glob(f"{home}/mail/**/{d}/*", recursive=True)}
    def far():
        m.noop()
        found = {}
        for name in ("INBOX", "Archive", '"Entw&APw-rfe"', "Sent"):
            m.select(name, readonly=True)
            found[name] = m.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE)")[1]
            m.unselect()
        return found
    sync()
    assert len(glob.glob(f"{home}/mail/Archive/*/*")) >= 20, near().keys()
    first = (near(), far())
    sync()
    assert (near(), far()) == first, "the second run changed something"
    for i in range(30):
        with open(f"{home}/mail/Archive/new/17000000{i}.1.host", "wb") as f:
            f.write(message(f"up {i}").replace(b"\r\n", b"\n"))
    os.unlink(next(p for p, b in near().items() if b"Subject: sync 3\n" in b))
    sync()
    m.select("Archive")
    assert m.search(None, "SUBJECT", '"sync 3"')[1] == [b""] and len(m.search(None, "SUBJECT", "up")[1][0].split()) == 30
    m.unselect()
    first = (near(), far())
    sync()
    assert (near(), far()) == first, "the second run changed something"
    m.logout()


done()
