"""Real and broken messages, appended and fetched by IMAPClient (PyPI) and held against what Python's email library finds in them.

The messages are those of mail-session/tests/corpus/messages, and of the corpus in $MAIL_SHARED or ../shared, where it is.
A difference to the email library must have a reason in corpus_reasons.txt; a reason without a difference fails, too."""
import email, email.policy, hashlib, re, sys
from lib import *
from imapclient import IMAPClient, exceptions
from imapclient.response_types import Address, BodyData, Envelope

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SHARED = os.environ.get("MAIL_SHARED", os.path.join(ROOT, "..", "shared"))
sys.setrecursionlimit(10_000)


def files(*folders):
    return sorted(os.path.join(d, f) for folder in folders for d, _, names in os.walk(folder) for f in names if not f.endswith("expected.txt"))


own = files(os.path.join(ROOT, "mail-session", "tests", "corpus", "messages"))
corpus = files(os.path.join(SHARED, "corpus"))
if not corpus:
    print(f"no corpus at {SHARED}: only our own messages are read")
reasons = {}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus_reasons.txt")) as f:
    for line in f:
        if line.strip() and not line.startswith("#"):
            which, section, why = line.strip().split(None, 2)
            reasons[which, section] = why
used = set()

server = Server()
client = IMAPClient(HOST, server.ports["imap"], ssl=False, use_uid=True, timeout=60)
client.login(ALICE, SECRET)
client.create_folder("corpus")


def raw(text):
    return text.encode("ascii", "surrogateescape")


def append(message):
    """IMAPClient knows no literal8, in which alone NUL may stand (RFC 3516)."""
    imap = client._imap
    tag = imap._new_tag()
    mark = b"~" if b"\0" in message else b""
    imap.send(tag + b' APPEND "corpus" ' + mark + b"{%d+}\r\n" % len(message) + message + b"\r\n")
    while not (line := imap.readline()).startswith(tag):
        pass
    assert b" OK [APPENDUID " in line, line
    return int(line.split(b"]")[0].split()[-1])


def sections(part, numbers, is_body):
    """Part numbers (RFC 9051 6.4.5.1) of what the email library found: numbers, part, whether it is a message within."""
    todo, found, only = [(part, numbers, is_body)], [], set()
    while todo:
        part, numbers, is_body = todo.pop()
        kind = part.get_content_type()
        if part.get_content_maintype() == "multipart":
            if not is_body:
                found.append((numbers, part))
            if part.is_multipart():
                todo += [(p, numbers + [n], False) for n, p in enumerate(part.get_payload(), 1)]
            else:
                # It must have a part (RFC 9051 section 9): all that is in it.
                only.add(name(numbers + [1]))
        elif is_body:
            todo.append((part, numbers + [1], False))
        else:
            found.append((numbers, part))
            if kind in ("message/rfc822", "message/global") and part.is_multipart():
                todo.append((part.get_payload(0), numbers, True))
    return found, only


def name(numbers, text=""):
    return ".".join([*map(str, numbers), *([text] if text else [])])


def shape(body, numbers=(), is_body=True):
    """Part numbers that BODYSTRUCTURE has, with the sizes it tells."""
    found, todo = {}, [(body, list(numbers), is_body)]
    while todo:
        body, numbers, is_body = todo.pop()
        if body.is_multipart:
            if not is_body:
                found[name(numbers)] = None
            todo += [(p, numbers + [n], False) for n, p in enumerate(body[0], 1)]
        elif is_body:
            todo.append((body, numbers + [1], False))
        else:
            found[name(numbers)] = body[6]
            if body[0].lower() == b"message" and body[1].lower() in (b"rfc822", b"global"):
                todo.append((BodyData.create(body[8]), numbers, True))
    return found


def fields(octets):
    """A header's fields as the email library reads them."""
    return email.message_from_bytes(octets, policy=email.policy.compat32)._headers


def unfolded(value):
    return re.sub(rb"[\r\n]", b"", raw(value)).replace(b"\0", b" ").strip(b" \t\r\n\v\f")


def compare(message, uid):
    """Yields the sections that are not what the email library finds, with a word on why."""
    got = client.fetch([uid], ["ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE", "BODY.PEEK[]", "RFC822"])[uid]
    assert got[b"BODY[]"] == message and got[b"RFC822"] == message, "not what was appended"
    assert got[b"RFC822.SIZE"] == len(message)
    envelope, structure = got[b"ENVELOPE"], got[b"BODYSTRUCTURE"]
    assert isinstance(envelope, Envelope) and isinstance(structure, BodyData) and isinstance(got[b"BODY"], BodyData)
    for addresses in (envelope.from_, envelope.sender, envelope.reply_to, envelope.to, envelope.cc, envelope.bcc):
        assert addresses is None or addresses and all(isinstance(a, Address) for a in addresses), addresses
    there = shape(structure)
    assert there.keys() == shape(got[b"BODY"]).keys()
    parsed = email.message_from_bytes(message, policy=email.policy.compat32)
    for field, value in (("subject", envelope.subject), ("message-id", envelope.message_id), ("in-reply-to", envelope.in_reply_to)):
        wanted = next((unfolded(v) for n, v in parsed._headers if n.strip().lower() == field), None)
        if (value or b"") != (wanted or b""):
            yield field.upper(), f"{value!r} {wanted!r}"
    wanted, only = sections(parsed, [], True)
    for extra in sorted(there.keys() - {name(n) for n, _ in wanted} - only):
        yield extra, "the email library has no such part"
    items = []
    for numbers, part in wanted:
        if name(numbers) in there:
            items += [f"BODY.PEEK[{name(numbers)}]", f"BODY.PEEK[{name(numbers, 'MIME')}]"]
            if part.get_content_type() in ("message/rfc822", "message/global"):
                items += [f"BODY.PEEK[{name(numbers, 'HEADER')}]", f"BODY.PEEK[{name(numbers, 'TEXT')}]"]
    got = {}
    for some in range(0, len(items), 100):
        got.update(client.fetch([uid], items[some:some + 100])[uid])
    for numbers, part in wanted:
        which = name(numbers)
        if which not in there:
            yield which, "BODYSTRUCTURE has no such part"
            continue
        content = got[f"BODY[{which}]".encode()]
        assert there[which] in (None, len(content)), (which, there[which], len(content))
        # The header of the only part of a message is that message's, and is fetched as such.
        if fields(got[f"BODY[{name(numbers, 'MIME')}]".encode()]) != part._headers:
            yield name(numbers, "MIME"), "other fields"
        if not part.is_multipart():
            if part.get_content_maintype() != "multipart" and content != raw(part._payload):
                other = raw(part._payload)
                at = next((i for i, (a, b) in enumerate(zip(content, other)) if a != b), min(len(content), len(other)))
                yield which, f"at {at} of {len(content)} and {len(other)}: {content[max(0, at - 20):][:60]!r} {other[max(0, at - 20):][:60]!r}"
        elif part.get_content_type() in ("message/rfc822", "message/global"):
            header, text = (got[f"BODY[{name(numbers, t)}]".encode()] for t in ("HEADER", "TEXT"))
            assert header + text == content, which
            if fields(header) != part.get_payload(0)._headers:
                yield name(numbers, "HEADER"), "other fields"


for title, paths in (("our own hard messages", own), ("the corpus", corpus)):
    if not paths:
        continue

    @step(f"{len(paths)} messages, {title}: byte-exact, read by IMAPClient, parts as the email library finds them")
    def _():
        client.select_folder("corpus")
        faults, parts = [], 0
        for path in paths:
            with open(path, "rb") as f:
                message = f.read()
            if not message:
                continue
            which = hashlib.sha256(message).hexdigest()[:12]
            try:
                for section, what in compare(message, append(message)):
                    if (which, section) in reasons or (which, "*") in reasons:
                        used.add((which, section) if (which, section) in reasons else (which, "*"))
                    else:
                        faults.append(f"{which} {section} {os.path.relpath(path, ROOT)}: {what[:200]}")
            except Exception as e:
                faults.append(f"{which} {os.path.relpath(path, ROOT)}: {type(e).__name__} {str(e)[:200]}")
        print("\n".join(faults[:int(os.environ.get("FAULTS", 20))]))
        assert not faults, f"{len(faults)} differences"


if corpus:
    @step("every reason for a difference is needed")
    def _():
        assert not reasons.keys() - used, reasons.keys() - used


client.logout()
done()
