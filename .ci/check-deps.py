#!/usr/bin/env python3
"""Holds each crate's normal dependencies against the list below: "sans-IO" is proven, not claimed.

A proto crate that gains futures, rustls, sockets, clocks, randomness or storage fails here."""
import json, subprocess, sys

WIRE = {"bytes", "memchr", "thiserror", "zeroize"}
PROTO = WIRE | {"mail-wire", "nom", "base64"}
ALLOWED = {
    "mail-wire": WIRE,
    "auth-sasl": {
        "base64", "thiserror", "zeroize", "subtle", "bytes", "memchr",
        "sha1", "sha2", "md-5", "hmac", "pbkdf2", "unicode-normalization",
    },
    "pop3-proto": PROTO,
    "imap4-proto": PROTO,
    "smtp-submit-proto": PROTO,
    "mailstore-api": {"bytes", "thiserror", "memchr"},
    "mail-drive": {"mail-wire", "bytes", "futures-io", "thiserror", "rustls", "futures-rustls", "rustls-pki-types", "zeroize", "flate2"},
    "mail-session": {
        "auth-sasl", "mail-wire", "mail-drive", "pop3-proto", "imap4-proto", "smtp-submit-proto", "mailstore-api",
        "bytes", "memchr", "base64", "futures-io", "thiserror", "zeroize", "tracing", "mail-parser", "encoding_rs", "unicode-normalization",
    },
    "mail-transfer": {
        "mailstore-api", "mailstore-sqlite", "imap4-proto", "bytes", "memchr", "thiserror", "serde", "serde_json", "sha2", "tar",
    },
    "mailstore-sqlite": {"mailstore-api", "bytes", "thiserror", "rusqlite", "tracing", "crc32fast", "rustix"},
}

meta = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]))
bad = 0
for package in meta["packages"]:
    allowed = ALLOWED.get(package["name"])
    if allowed is None:
        continue
    have = {d["name"] for d in package["dependencies"] if d["kind"] is None}
    for extra in sorted(have - allowed):
        print(f"{package['name']}: `{extra}` is not among its allowed dependencies (.ci/check-deps.py)")
        bad += 1
print(f"dependencies: {len(ALLOWED)} crates checked, {bad} not allowed")
sys.exit(1 if bad else 0)
