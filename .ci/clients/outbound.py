"""Out to the world: the queue, a smart host over TLS with login, reports, LMTP in, kill -9 with a full queue."""
import imaplib, smtplib, threading
from lib import *

MESSAGES = int(os.environ.get("QUEUED", "200"))
CAROL, GATEWAY = "carol@far.test", "gateway@far.test"

# The smart host is another mailserver: the same program, of another domain.
far = Server(plaintext="tls-only", extra=f'[[mailbox]]\naddress = "{CAROL}"\npassword = "{SECRET}"\n'
             f'[[mailbox]]\naddress = "{GATEWAY}"\npassword = "{SECRET}"\nsend_as = ["@example.test"]\n')
authority = os.path.join(far.home, "data", "cert.pem")


def relay(port, tls, ca=authority, more=""):
    ca = f'ca = "{ca}"\n' if ca else ""
    return (f'[relay]\nhost = "localhost"\nport = {port}\ntls = "{tls}"\n{ca}username = "{GATEWAY}"\npassword = "{SECRET}"\n'
            f"retry_first_seconds = 1\nretry_longest_seconds = 2\n{more}")


def near(tls="starttls", more="", **kw):
    port = {"starttls": "submission", "implicit": "submissions"}[tls]
    return Server(extra=relay(far.ports[port], tls, **kw) + more)


def imap(server, user):
    m = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=context(), timeout=30)
    m.login(user, SECRET)
    return m


def texts(server, user):
    m = imap(server, user)
    m.select("INBOX", readonly=True)
    got = [d[1] for d in m.uid("FETCH", "1:*", "(BODY.PEEK[])")[1] if isinstance(d, tuple)]
    m.logout()
    return got


def submit(server, to, text, mail=(), rcpt=()):
    with smtplib.SMTP(HOST, server.ports["submission"], timeout=30) as s:
        s.login(ALICE, SECRET)
        assert s.sendmail(ALICE, to, text, list(mail), list(rcpt)) == {}


def queue(server, *words, **kw):
    return command([BINARY, "--config", server.config, "queue", *words], **kw).decode()


def arrives(server, user, part, seconds=30):
    return until(lambda: [t for t in texts(server, user) if part in t], seconds, f"{part!r} to arrive")


for tls in ("starttls", "implicit"):
    @step(f"relay over {tls}, certificate checked, logged in; who is here is served at once")
    def _():
        server = near(tls)
        text = message(f"out by {tls}", 200_000)
        submit(server, [CAROL, BOB], text)
        assert [t for t in texts(server, BOB) if t.endswith(text)]
        got = arrives(far, CAROL, b"Subject: out by " + tls.encode())[0]
        assert got.endswith(text), got[:600]
        assert got.startswith(b"Return-Path: <alice@example.test>") and b"with ESMTPSA id" in got
        until(lambda: "0 messages wait" in queue(server, "list"), 10, "an empty queue")
        server.stop()


@step("a certificate nobody vouches for: nothing goes out, queue list says why, retry and drop")
def _():
    server = near(ca=None)
    submit(server, [CAROL], message("not trusted"))
    listing = until(lambda: (t := queue(server, "list")) and "ertificate" in t and t, 20, "the reason")
    assert f"<{CAROL}> waits" in listing and "from <alice@example.test>" in listing, listing
    name = listing.split()[0]
    queue(server, "retry", "all")
    queue(server, "drop", name)
    assert "0 messages wait" in queue(server, "list")
    queue(server, "drop", name, fails=True)
    server.stop()
    assert not [t for t in texts(far, CAROL) if b"not trusted" in t]


@step("a failure is reported to the sender, and a success when asked for; NOTIFY=NEVER is silent")
def _():
    server = near()
    submit(server, ["stranger@far.test"], message("to a stranger"), ["RET=HDRS", "ENVID=E1"], ["ORCPT=rfc822;s+2B@x.test"])
    report = arrives(server, ALICE, b"Action: failed")[0]
    for part in (b"Final-Recipient: rfc822; stranger@far.test", b"Status: 5.1.1", b"Remote-MTA: dns; localhost",
                 b"Original-Envelope-Id: E1", b"Original-Recipient: rfc822; s+@x.test", b"report-type=delivery-status",
                 b"Subject: to a stranger", b"Return-Path: <>"):
        assert part in report, (part, report.decode())
    assert b"..two" not in report, "headers alone"
    submit(server, ["stranger@far.test"], message("silent"), (), ["NOTIFY=NEVER"])
    submit(server, [BOB], message("tell me"), (), ["NOTIFY=SUCCESS"])
    assert b"Subject: tell me" in arrives(server, ALICE, b"Action: delivered")[0]
    until(lambda: "0 messages wait" in queue(server, "list"), 20, "an empty queue")
    assert not [t for t in texts(server, ALICE) if b"Subject: silent" in t]
    # The far server offers DSN: it reports its own deliveries, by nobody's leave but its own.
    server.stop()


@step("FUTURERELEASE holds back, beside mail that goes at once")
def _():
    server = near()
    submit(server, [CAROL], message("held"), ["HOLDFOR=4"])
    submit(server, [CAROL], message("at once"))
    arrives(far, CAROL, b"Subject: at once")
    assert not [t for t in texts(far, CAROL) if b"Subject: held" in t]
    assert "due in" in queue(server, "list")
    arrives(far, CAROL, b"Subject: held")
    server.stop()


@step("without a smart host nothing relays")
def _():
    server = Server()
    with smtplib.SMTP(HOST, server.ports["submission"], timeout=20) as s:
        s.login(ALICE, SECRET)
        s.mail(ALICE)
        assert s.rcpt(CAROL)[0] == 550
    server.stop()


@step("LMTP over TCP and a Unix socket: a reply each, user+detail, no relaying")
def _():
    port = free_ports(1)[0]
    server = near(more=f'[lmtp]\nlisten = ["{HOST}:{port}", "unix:lmtp.sock"]\nplus_addressing = true\n')
    path = os.path.join(server.home, "lmtp.sock")
    for how in (lambda: smtplib.LMTP(HOST, port, timeout=20), lambda: smtplib.LMTP(path)):
        text = message(f"by lmtp {how}")
        with how() as s:
            # smtplib knows of one reply after the content; LMTP has one for each recipient.
            s.ehlo()
            s.mail("mta@else.test")
            answers = [s.rcpt(to)[0] for to in (BOB, "alice+news@example.test", "nobody@example.test", CAROL)]
            assert answers == [250, 250, 550, 550], answers
            assert [s.data(text)[0], s.getreply()[0]] == [250, 250]
        for user in (BOB, ALICE):
            got = [t for t in texts(server, user) if t.endswith(text)]
            assert len(got) == 1 and got[0].startswith(b"Return-Path: <mta@else.test>") and b"with LMTP id" in got[0]
    server.stop()


@step(f"kill -9 again and again with {MESSAGES} messages in the queue: each arrives, none is lost")
def _():
    server = near()
    far.stop()
    threads = []
    def some(n):
        with smtplib.SMTP(HOST, server.ports["submission"], timeout=60) as s:
            s.login(ALICE, SECRET)
            for i in range(n, MESSAGES, 4):
                assert s.sendmail(ALICE, [CAROL], message(f"queued number {i:04}.", 2000)) == {}
    for n in range(4):
        threads.append(threading.Thread(target=some, args=(n,)))
        threads[-1].start()
    for t in threads:
        t.join()
    assert f"{MESSAGES} messages wait" in queue(server, "list")
    server.kill()
    far.start()
    kills = 0
    def arrived():
        return [int(n) for t in texts(far, CAROL) for n in re.findall(rb"^Subject: queued number (\d+)\.", t, re.M)]
    while kills < 5:
        server.start()
        queue(server, "retry", "all")
        before = len(set(arrived()))
        until(lambda: len(set(arrived())) > before or len(set(arrived())) == MESSAGES, 60, "progress")
        server.kill()
        kills += 1
    server.start()
    queue(server, "retry", "all")
    until(lambda: set(arrived()) == set(range(MESSAGES)), 120, "all to arrive")
    until(lambda: "0 messages wait" in queue(server, "list"), 60, "an empty queue")
    print(f"      {MESSAGES} messages, {kills} kills, {len(arrived()) - MESSAGES} second copies")
    server.stop()


done()
