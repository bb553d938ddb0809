"""Python's imaplib, poplib and smtplib: what a person does with mail, in three kinds of encryption."""
import hashlib, imaplib, poplib, smtplib, threading
from lib import *

imaplib._MAXLINE = 64 << 20
for verb in ("MOVE", "UNSELECT", "IDLE", "ID", "NAMESPACE"):
    imaplib.Commands.setdefault(verb, ("AUTH", "SELECTED"))
server = Server()
P = server.ports


def imap(mode="tls", user=ALICE, password=SECRET):
    m = imaplib.IMAP4_SSL(HOST, P["imaps"], ssl_context=context(), timeout=20) if mode == "tls" else imaplib.IMAP4(HOST, P["imap"], timeout=20)
    if mode == "starttls":
        m.starttls(context())
    m.login(user, password)
    return m


def pop(mode="tls", user=BOB):
    p = poplib.POP3_SSL(HOST, P["pop3s"], context=context(), timeout=20) if mode == "tls" else poplib.POP3(HOST, P["pop3"], timeout=20)
    if mode == "starttls":
        p.stls(context())
    p.user(user)
    p.pass_(SECRET)
    return p


def smtp(mode="tls", user=ALICE):
    s = smtplib.SMTP_SSL(HOST, P["submissions"], context=context(), timeout=20) if mode == "tls" else smtplib.SMTP(HOST, P["submission"], timeout=20)
    if mode == "starttls":
        s.starttls(context=context())
    s.login(user, SECRET)
    return s


def ok(answer):
    kind, data = answer
    assert kind == "OK", (kind, data)
    return data


def bodies(m, mailbox="INBOX"):
    ok(m.select(mailbox, readonly=True))
    found = [d[1] for d in ok(m.uid("FETCH", "1:*", "(UID BODY.PEEK[])")) if isinstance(d, tuple)]
    ok(m.unselect())
    return found


def empty(m, mailbox="INBOX"):
    ok(m.select(mailbox))
    ok(m.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")) if ok(m.search(None, "ALL"))[0] else None
    ok(m.close())


def after_trace(got, sent):
    assert got.endswith(sent), f"got {len(got)} octets, sent {len(sent)}; {got[-80:]!r} {sent[-80:]!r}"
    for line in got[: len(got) - len(sent)].split(b"\r\n"):
        assert not line or line[:1] in b" \t" or line.split(b":")[0] in (b"Received", b"Return-Path", b"Delivered-To"), line


for mode in ("plain", "starttls", "tls"):
    @step(f"{mode}: submit, see it by IDLE within a second, read it by IMAP and POP3, byte-exact")
    def _():
        sent = message(f"first by {mode}", 5000)
        m = imap(mode, BOB)
        empty(m)
        ok(m.select())
        tag = m._new_tag()
        m.send(tag + b" IDLE\r\n")
        assert m.readline().startswith(b"+")
        s = smtp(mode)
        start = time.time()
        assert s.sendmail(ALICE, [BOB], sent) == {}
        s.quit()
        line = b""
        while b"EXISTS" not in line:
            line = m.readline()
        waited = time.time() - start
        m.send(b"done\r\n")
        while not line.startswith(tag):
            line = m.readline()
        assert b" OK" in line, line
        assert waited < 1, f"{waited:.2f} s"
        ok(m.unselect())
        [got] = bodies(m)
        after_trace(got, sent)
        p = pop(mode)
        lines = p.retr(1)[1]
        assert b"\r\n".join(lines) + b"\r\n" == got
        assert p.stat() == (1, len(got)), (p.stat(), len(got))
        assert p.top(1, 1)[1][-1] == b".", p.top(1, 1)[1][-2:]
        p.quit()
        m.logout()


@step("folders with non-ASCII names: create, list, subscribe, rename, delete")
def _():
    m = imap()
    for name in ("Entw&APw-rfe", "&ZeVnLIqe-", "&ZeVnLIqe-/&BB8EPgRHBEIEMA- &- Co"):
        ok(m.create(f'"{name}"'))
        ok(m.subscribe(f'"{name}"'))
    listed = b"\n".join(ok(m.list()))
    for name in (b"Entw&APw-rfe", b"&ZeVnLIqe-/&BB8EPgRHBEIEMA- &- Co"):
        assert name in listed, (name, listed)
    ok(m.rename('"&ZeVnLIqe-"', '"renamed"'))
    assert b"renamed/&BB8EPgRHBEIEMA- &- Co" in b"\n".join(ok(m.list()))
    for name in ("renamed/&BB8EPgRHBEIEMA- &- Co", "renamed", "Entw&APw-rfe"):
        ok(m.delete(f'"{name}"'))
    uses = b"\n".join(ok(m.list()))
    for use in (b"\\Sent", b"\\Drafts", b"\\Trash", b"\\Junk", b"\\Archive"):
        assert use in uses, uses
    m.logout()


@step("flags, copy, move, expunge, by two sessions")
def _():
    m, other = imap(), imap("starttls")
    ok(m.create("work"))
    ok(m.create("done"))
    for i in range(4):
        ok(m.append("work", "(\\Flagged $Important)", '"17-Jul-1996 02:44:25 -0700"', message(f"m{i}")))
    ok(m.select("work"))
    ok(other.select("work"))
    ok(m.store("2", "+FLAGS", "(\\Seen)"))
    ok(other.noop())
    assert any(b"\\Seen" in (x or b"") for x in other.response("FETCH")[1])
    ok(m.copy("1:2", "done"))
    assert m.response("COPYUID")[1][0]
    ok(m.uid("MOVE", "1", "done"))
    ok(other.noop())
    assert other.response("EXPUNGE")[1] == [b"1"]
    ok(m.store("1", "+FLAGS", "(\\Deleted)"))
    ok(m.expunge())
    kind, data = other.fetch("1:*", "(FLAGS)")  # the others' expunge is not told during FETCH (RFC 9051 7.5.1, RFC 2180 4.1)
    assert kind == "OK" or b"EXPUNGEISSUED" in data[0], (kind, data)
    assert other.response("EXPUNGE")[1] == [None]
    other.response("FETCH")  # imaplib keeps what came before a NO
    ok(other.noop())
    assert len(ok(other.fetch("1:*", "(FLAGS)"))) == 2
    dates = ok(m.fetch("1:*", "(INTERNALDATE)"))
    assert all(b'"17-Jul-1996 02:44:25 -0700"' in d for d in dates), dates
    ok(m.close())
    assert ok(m.select("done")) == [b"3"]
    ok(m.unselect())
    ok(m.delete("work"))
    ok(m.delete("done"))
    m.logout()
    other.logout()


@step("10 MB by APPEND and by submission, byte-exact")
def _():
    big = message("big", 10 << 20)
    m = imap("starttls", BOB)
    empty(m)
    ok(m.create("big"))
    ok(m.append("big", None, None, big))
    [got] = bodies(m, "big")
    assert hashlib.sha256(got).digest() == hashlib.sha256(big).digest()
    ok(m.select("big"))
    part = ok(m.fetch("1", "(BODY.PEEK[]<5000000.70000>)"))[0]
    assert part[1] == big[5_000_000:5_070_000] and b"<5000000>" in part[0]
    s = smtp("starttls")
    assert s.sendmail(ALICE, [BOB], big, ["BODY=8BITMIME"]) == {}
    s.quit()
    after_trace(bodies(m)[0], big)
    p = pop()
    assert b"\r\n".join(p.retr(1)[1]) + b"\r\n" == bodies(m)[0]
    p.dele(1)
    p.quit()
    assert bodies(m) == []
    ok(m.delete("big"))
    m.logout()


@step("search by date, flag, header, body and charset")
def _():
    m = imap()
    ok(m.create("find"))
    ok(m.append("find", "(\\Seen)", '"01-Feb-2020 10:00:00 +0000"', message("=?utf-8?q?Gr=C3=BC=C3=9Fe?=")))
    ok(m.append("find", None, None, message("plain")))
    ok(m.select("find"))
    def find(*keys, charset=None):
        return ok(m.search(charset, *keys))[0].split()
    assert find("SEEN") == [b"1"] and find("UNSEEN") == [b"2"] and find("BEFORE", "1-Jan-2021") == [b"1"]
    assert find("SUBJECT", "PLAIN") == [b"2"] and find("OR", "SUBJECT", "plain", "SEEN") == [b"1", b"2"]
    m.literal = "GRÜSSE".encode().replace(b"SS", "ß".encode())
    assert find("SUBJECT", charset="UTF-8") == [b"1"]
    m.literal = "日本語".encode()
    assert find("BODY", charset="UTF-8") == [b"1", b"2"]
    assert m.search("X-NONE", "SUBJECT", "x")[0] == "NO"
    ok(m.close())
    ok(m.delete("find"))
    m.logout()


@step("structure of a multipart message, section by section")
def _():
    mime = (b"From: a@example.test\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\npreamble\r\n"
            b"--b1\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nfirst\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\n"
            b"From: inner@example.test\r\nSubject: inside\r\n\r\ninner body\r\n--b1--\r\nepilogue\r\n")
    m = imap()
    ok(m.create("mime"))
    ok(m.append("mime", None, None, mime))
    ok(m.select("mime"))
    def body(section):
        for d in ok(m.fetch("1", f"(BODY.PEEK[{section}])")):
            return d[1] if isinstance(d, tuple) else re.search(rb'\] "(.*)"\)', d).group(1)
    assert body("1") == b"first" and body("2.HEADER") == b"From: inner@example.test\r\nSubject: inside\r\n\r\n"
    assert body("2.1") == b"inner body" and body("HEADER.FIELDS (Subject)") == b"Subject: parts\r\n\r\n"
    assert body("HEADER") + body("TEXT") == mime
    structure = ok(m.fetch("1", "(BODYSTRUCTURE ENVELOPE)"))[0]
    assert b'"MESSAGE" "RFC822"' in structure.upper() and b'"inside"' in structure and b'"boundary" "b1"' in structure.lower(), structure
    ok(m.close())
    ok(m.delete("mime"))
    m.logout()


@step("refusals: wrong password, unknown recipient, mail before login, deleted message, drop without QUIT")
def _():
    for login in (lambda: imap(password="wrong"), lambda: smtplib.SMTP_SSL(HOST, P["submissions"], context=context()).login(ALICE, "wrong")):
        try:
            login()
            raise AssertionError("logged in")
        except (imaplib.IMAP4.error, smtplib.SMTPAuthenticationError):
            pass
    s = smtp()
    assert s.mail(ALICE)[0] == 250 and s.rcpt("nobody@example.test")[0] == 550
    assert s.rset()[0] == 250
    s.quit()
    s = smtplib.SMTP(HOST, P["submission"])
    s.ehlo()
    assert s.mail(ALICE)[0] == 530
    s.quit()
    m = imap(user=BOB)
    empty(m)
    ok(m.append("INBOX", None, None, message("stays")))
    p = pop()
    p.dele(1)
    try:
        p.retr(1)
        raise AssertionError("deleted, and yet there")
    except poplib.error_proto:
        pass
    p.close()
    time.sleep(0.3)
    assert len(bodies(m)) == 1
    m.logout()


@step("restart: mail, UIDs and certificate stay; SIGTERM says BYE")
def _():
    m = imap()
    ok(m.append("Archive", None, None, message("kept")))
    ok(m.select("Archive"))
    before = (m.response("UIDVALIDITY")[1], ok(m.uid("SEARCH", "ALL")))
    certificate = ssl.get_server_certificate((HOST, P["imaps"]))
    bye = []
    reader = threading.Thread(target=lambda: bye.append(m.readline()))
    reader.start()
    assert server.stop() == 0
    reader.join(10)
    assert bye and bye[0].startswith(b"* BYE"), bye
    server.start()
    m = imap()
    ok(m.select("Archive"))
    assert before == (m.response("UIDVALIDITY")[1], ok(m.uid("SEARCH", "ALL")))
    assert certificate == ssl.get_server_certificate((HOST, P["imaps"]))
    m.logout()


done()
