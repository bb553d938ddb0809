"""COMPRESS=DEFLATE (RFC 4978) with Python's imaplib and zlib: both directions, over plain TCP and over TLS."""
import imaplib, random, resource, zlib
from lib import *

imaplib._MAXLINE = 128 << 20
imaplib.Commands["COMPRESS"] = ("AUTH", "SELECTED")
server = Server()
P = server.ports


class Deflated:
    """What imaplib reads from and writes to, once the connection is compressed."""

    def compress(self):
        answer = self._simple_command("COMPRESS", "DEFLATE")
        assert answer[0] == "OK", answer
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflate = zlib.decompressobj(-15)
        self.inflated = b""
        self.wire = [0, 0]
        self.plain = [0, 0]
        self.read, self.readline, self.send = self.take, self.take_line, self.give

    def more(self):
        octets = self.sock.recv(65536)
        assert octets, "the server has closed the connection"
        self.wire[0] += len(octets)
        octets = self.inflate.decompress(octets)
        self.plain[0] += len(octets)
        self.inflated += octets

    def take(self, size):
        while len(self.inflated) < size:
            self.more()
        taken, self.inflated = self.inflated[:size], self.inflated[size:]
        return taken

    def take_line(self):
        while b"\n" not in self.inflated:
            self.more()
        return self.take(self.inflated.index(b"\n") + 1)

    def give(self, octets):
        made = self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.plain[1] += len(octets)
        self.wire[1] += len(made)
        self.sock.sendall(made)


class Plain(Deflated, imaplib.IMAP4):
    pass


class Tls(Deflated, imaplib.IMAP4_SSL):
    pass


def imap(tls=False, user=ALICE):
    m = Tls(HOST, P["imaps"], ssl_context=context(), timeout=60) if tls else Plain(HOST, P["imap"], timeout=60)
    assert "COMPRESS=DEFLATE" not in m.capabilities, "it is shown before it has a place"
    m.login(user, SECRET)
    assert b"COMPRESS=DEFLATE" in m.capability()[1][0]
    return m


noise = random.Random(1).randbytes(3_000_000).hex().encode()
lines = b"\r\n".join(noise[i:i + 76] for i in range(0, len(noise), 76))

for tls in (False, True):
    way = "TLS" if tls else "plain TCP"

    @step(f"over {way}, messages go in and out compressed")
    def _():
        m = imap(tls)
        m.compress()
        dense, thin = message("dense", extra=lines), message("thin", 5_000_000)
        for sent in (dense, thin):
            assert m.append("Archive", None, None, sent)[0] == "OK"
        m.select("Archive", readonly=True)
        got = [d[1] for d in m.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(d, tuple)]
        assert got[-2:] == [dense, thin]
        ratio = [plain / wire for plain, wire in zip(m.plain, m.wire)]
        print(f"      {ratio[0]:.1f} times less received, {ratio[1]:.1f} times less sent")
        assert min(ratio) > 1.5
        assert m.logout()[0] == "BYE"

    @step(f"over {way}, IDLE wakes, and a second COMPRESS is refused")
    def _():
        m = imap(tls)
        m.compress()
        try:
            m._simple_command("COMPRESS", "DEFLATE")
            raise AssertionError("it was taken twice")
        except imaplib.IMAP4.error as e:
            assert "COMPRESSIONACTIVE" in str(e), e
        assert b"COMPRESS" not in m.capability()[1][0]
        m.select("INBOX")
        m.send(b"i IDLE\r\n")
        assert m.readline().startswith(b"+")
        imap(tls).append("INBOX", None, None, message("wake"))
        assert b"EXISTS" in m.readline()
        m.send(b"DONE\r\n")
        while not m.readline().startswith(b"i OK"):
            pass
        m.logout()


@step("a bomb is refused and takes no memory, and the connection goes on")
def _():
    m = imap()
    m.compress()
    m.noop()
    server.reset_peak()
    before = server.peak()
    bomb = m.deflate.compress(b"b NOOP ")
    bomb += b"".join(m.deflate.compress(bytes(1 << 20).replace(b"\0", b"x")) for _ in range(300)) + m.deflate.flush(zlib.Z_SYNC_FLUSH)
    m.sock.sendall(bomb)
    assert m.readline().startswith(b"b BAD")
    m.send(b"\r\nc NOOP\r\n")
    assert m.readline().startswith(b"c OK")
    grown = server.peak() - before
    print(f"      {len(bomb)} octets stood for 300 MiB: {grown} KiB more at the peak")
    assert grown < 2048
    m.logout()


@step("plain text in place of compressed commands ends the connection")
def _():
    m = imap()
    m.compress()
    m.sock.sendall(b"x NOOP\r\nthis is no DEFLATE\r\n")
    m.sock.settimeout(20)
    assert m.sock.recv(100) == b""


@step("1,000 silent connections with compression cost at most 80 KiB each")
def _():
    def more(n):
        for _ in range(n):
            m = imap()
            m.compress()
            # Small ones: a thousand of them stand in this one process.
            m.deflate = zlib.compressobj(1, zlib.DEFLATED, -9, 1)
            assert m.noop()[0] == "OK"
            yield m
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    warm = list(more(5))
    before = server.memory()
    silent = list(more(1000))
    time.sleep(6)
    each = (server.memory() - before) / 1000
    print(f"      {each:.0f} KiB a connection (PSS)")
    assert each <= 80, f"{each:.0f} KiB"
    assert all(m.noop()[0] == "OK" for m in warm + silent)


done()
