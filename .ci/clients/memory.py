"""Memory: 50 MB messages stream, 1,000 idle connections are cheap, and a delivery wakes whom it concerns."""
import imaplib, poplib, resource, select, smtplib, statistics
from lib import *

imaplib._MAXLINE = 128 << 20
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
server = Server()
P = server.ports
SIZE = 50_000_000
big = message("fifty", SIZE)


def imap(user=BOB):
    m = imaplib.IMAP4(HOST, P["imap"], timeout=60)
    m.login(user, SECRET)
    return m


def within(limit_kb, what, f):
    server.reset_peak()
    before = server.peak()
    f()
    grown = server.peak() - before
    print(f"      {what}: {grown} KiB more at the peak")
    assert grown < limit_kb, f"{grown} KiB"


@step("a message of 50 MB goes in and out while memory grows by less than 4 MB per connection")
def _():
    m = imap()
    # The store's own start-up, and the first password checks: Argon2id takes 19 MiB for a moment, by design.
    m.append("Archive", None, None, message("warm", 300_000))
    imap(ALICE).logout()
    def append():
        assert m.append("Archive", None, None, big)[0] == "OK"
    def submit():
        s = smtplib.SMTP(HOST, P["submission"], timeout=60)
        s.login(ALICE, SECRET)
        assert s.sendmail(ALICE, [BOB], big) == {}
        s.quit()
    def fetch():
        m.select("Archive", readonly=True)
        assert m.fetch("2", "(BODY.PEEK[])")[1][0][1] == big
        m.unselect()
    def retr():
        p = poplib.POP3(HOST, P["pop3"], timeout=60)
        p.user(BOB)
        p.pass_(SECRET)
        lines = p.retr(1)[1]
        assert (b"\r\n".join(lines) + b"\r\n").endswith(big)
        p.quit()
    within(4096, "APPEND", append)
    within(4096, "submission", submit)
    within(4096, "FETCH", fetch)
    within(4096, "RETR", retr)
    m.logout()


class Idle:
    """A connection in IDLE, kept small: a thousand of them stand in this one process."""

    def __init__(self, user, tls):
        s = socket.create_connection((HOST, P["imaps" if tls else "imap"]), 20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s = CONTEXT.wrap_socket(s) if tls else s
        self.until(b"* OK")
        for tag, line in ((b"a", f'LOGIN {user} "{SECRET}"'), (b"b", "SELECT INBOX")):
            self.s.sendall(tag + b" " + line.encode() + b"\r\n")
            self.until(b"\r\n" + tag + b" OK", b"\r\n")
        self.s.sendall(b"c IDLE\r\n")
        self.until(b"+ ")

    def until(self, mark, got=b""):
        while mark not in got:
            more = self.s.recv(4096)
            assert more, got
            got += more
        return got

    def close(self):
        self.s.close()


CONTEXT = context()
for tls, limit in ((False, 8), (True, 24)):
    @step(f"1,000 connections in IDLE {'with TLS' if tls else 'plain'} cost at most {limit} KiB each, and wake within 10 ms at the median")
    def _():
        warm = [Idle(u, tls) for u in (ALICE, BOB) for _ in range(5)]
        before = server.memory()
        idle = [Idle(ALICE, tls) for _ in range(990)]
        mine = [Idle(BOB, tls) for _ in range(10)]
        time.sleep(0.5)
        each = (server.memory() - before) / 1000
        print(f"      {each:.1f} KiB a connection (PSS)")
        sender = smtplib.SMTP(HOST, P["submission"], timeout=20)
        sender.login(ALICE, SECRET)
        waits = []
        for i in range(20):
            sender.mail(ALICE)
            sender.rcpt(BOB)
            assert sender.docmd("DATA")[0] == 354
            start = time.perf_counter()
            sender.sock.sendall(message(f"wake {i}").replace(b"\r\n.", b"\r\n..") + b".\r\n")
            waiting = {c.s.fileno(): c for c in mine}
            while waiting:
                ready, _, _ = select.select(list(waiting), [], [], 5)
                assert ready, "a session was not woken"
                for fd in ready:
                    if b"EXISTS" in waiting[fd].s.recv(4096):
                        waits.append(time.perf_counter() - start)
                        del waiting[fd]
            assert sender.getreply()[0] == 250
        median = statistics.median(waits) * 1000
        print(f"      end of DATA to EXISTS: median {median:.2f} ms, worst {max(waits) * 1000:.2f} ms")
        quiet, _, _ = select.select([c.s for c in idle[:50]], [], [], 0)
        assert not quiet, "a session was woken that it does not concern"
        for c in warm + idle + mine:
            c.close()
        sender.quit()
        # Five percent for what the allocator does, as with the budgets.
        assert each <= limit * 1.05, f"{each:.1f} KiB"
        assert median <= 10, f"{median:.1f} ms"


done()
