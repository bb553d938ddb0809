"""Kill -9 during parallel APPEND, MOVE and submission: what was acknowledged is there, byte-exact, once per UID, in one place."""
import imaplib, random, smtplib, threading
from lib import *

ROUNDS = int(os.environ.get("ROUNDS", "10"))
server = Server()
P = server.ports
appended, submitted, moving, validity, lock = {}, {}, {}, set(), threading.Lock()


def appender(n, round_):
    try:
        m = imaplib.IMAP4(HOST, P["imap"], timeout=20)
        m.login(ALICE, SECRET)
        for i in range(10_000):
            text = message(f"append {round_}.{n}.{i}", random.choice((300, 3000, 30_000, 200_000)))
            kind, data = m.append("Archive", None, None, text)
            assert kind == "OK", data
            v, uid = re.search(rb"APPENDUID (\d+) (\d+)", data[0]).groups()
            with lock:
                validity.add(int(v))
                assert int(uid) not in appended, f"UID {uid} was given twice"
                appended[int(uid)] = text
    except (OSError, imaplib.IMAP4.abort):
        pass


def submitter(n, round_):
    try:
        s = smtplib.SMTP(HOST, P["submission"], timeout=20)
        s.login(ALICE, SECRET)
        for i in range(10_000):
            subject = f"submit {round_}.{n}.{i}"
            text = message(subject, random.choice((300, 3000, 150_000)))
            assert s.sendmail(ALICE, [BOB], text) == {}
            with lock:
                submitted[subject] = text
    except (OSError, smtplib.SMTPException):
        pass


def mover(n, round_):
    """Messages that are moved from one mailbox to the other and back, all of them each time."""
    try:
        m = imaplib.IMAP4(HOST, P["imap"], timeout=20)
        m.login(ALICE, SECRET)
        for i in range(10_000):
            subject = f"move {round_}.{n}.{i}"
            text = message(subject, random.choice((300, 3000, 150_000)))
            assert m.append("Here", None, None, text)[0] == "OK"
            with lock:
                moving[subject] = text
            for place, other in (("Here", "There"), ("There", "Here")):
                m.select(place)
                kind, data = m.uid("MOVE", "1:*", other)
                assert kind == "OK", data
    except (OSError, imaplib.IMAP4.abort):
        pass


def check(user, mailbox):
    m = imaplib.IMAP4(HOST, P["imap"], timeout=60)
    imaplib._MAXLINE = 64 << 20
    m.login(user, SECRET)
    m.select(mailbox, readonly=True)
    v = int(m.response("UIDVALIDITY")[1][0])
    got = {}
    kind, data = m.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
    assert kind == "OK", data
    for d in data:
        if isinstance(d, tuple):
            got[int(re.search(rb"UID (\d+)", d[0]).group(1))] = d[1]
    m.logout()
    return v, got


def round_of(number):
    before = len(appended), len(submitted), len(moving)
    threads = [threading.Thread(target=f, args=(n, number)) for f, k in ((appender, 4), (mover, 1), (submitter, 2)) for n in range(k)]
    for t in threads:
        t.start()
    time.sleep(random.uniform(0.4, 1.2))
    server.kill()
    for t in threads:
        t.join()
    server.start()
    v, got = check(ALICE, "Archive")
    assert validity <= {v}, (validity, v)
    lost = [u for u, text in appended.items() if got.get(u) != text]
    assert not lost, f"{len(lost)} acknowledged appends are lost or altered: {lost[:5]}"
    for text in got.values():
        assert text.startswith(b"From: Alice") and text.endswith((b".\r\n", "日本語\r\n".encode())), "half a message is visible"
    _, inbox = check(BOB, "INBOX")
    found = {}
    for text in inbox.values():
        found[re.search(rb"Subject: (.*)\r\n", text).group(1).decode()] = text
    lost = [s for s, text in submitted.items() if not found.get(s, b"").endswith(text)]
    assert not lost, f"{len(lost)} acknowledged submissions are lost or altered: {lost[:5]}"
    found, where = {}, [check(ALICE, place)[1] for place in ("Here", "There")]
    for text in (text for place in where for text in place.values()):
        found.setdefault(re.search(rb"Subject: (.*)\r\n", text).group(1).decode(), []).append(text)
    wrong = [s for s, text in moving.items() if found.get(s) != [text]] + [s for s, texts in found.items() if len(texts) != 1]
    assert not wrong, f"{len(wrong)} messages are in no place, in two, or altered: {wrong[:5]}"
    print(f"      round {number}: {len(appended) - before[0]} appends, {len(submitted) - before[1]} submissions and "
          f"{len(moving) - before[2]} messages on the move acknowledged")


first = imaplib.IMAP4(HOST, P["imap"], timeout=20)
first.login(ALICE, SECRET)
for place in ("Here", "There"):
    assert first.create(place)[0] == "OK"
first.logout()

for number in range(ROUNDS):
    @step(f"kill -9, round {number}")
    def _():
        round_of(number)


@step("store check, beside the running server")
def _():
    run = subprocess.run([BINARY, "--config", server.config, "store", "check"], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    print("      " + run.stdout.strip().replace("\n", "; "))


assert len(appended) > 10 * ROUNDS and submitted and moving, "too little was acknowledged for this to prove anything"
done()
