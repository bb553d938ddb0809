#!/usr/bin/env python3
"""The `rust-version` that Cargo.toml declares, as far as it can be checked without that compiler: no dependency of a published crate wants
a later one. (That our own code uses nothing later is clippy's `incompatible_msrv` to say, and `.ci/msrv` builds it all with that compiler.)"""
import json
import subprocess
import sys

meta = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]))
packages = {p["id"]: p for p in meta["packages"]}
nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}


def version(text):
    return tuple(int(n) for n in (text.split("-")[0] + ".0.0").split(".")[:3])


published = [i for i in meta["workspace_members"] if packages[i]["publish"] != []]
declared = {packages[i]["rust_version"] for i in published}
if len(declared) != 1 or None in declared:
    sys.exit(f"the published crates declare {declared}: they want one rust-version")
declared = declared.pop()
seen, todo = set(published), list(published)
while todo:
    for dep in nodes[todo.pop()]["deps"]:
        if dep["pkg"] not in seen and any(k["kind"] != "dev" for k in dep["dep_kinds"]):
            seen.add(dep["pkg"])
            todo.append(dep["pkg"])
bad = [p for p in map(packages.get, seen) if p["rust_version"] and version(p["rust_version"]) > version(declared)]
for package in bad:
    print(f"{package['name']} {package['version']} wants Rust {package['rust_version']}, and {declared} is declared")
newest = max((version(p["rust_version"]) for p in map(packages.get, seen) if p["rust_version"] and p["source"]), default=())
print(f"rust-version {declared}: {len(seen)} packages looked at, {len(bad)} want more; the most any other wants is {'.'.join(map(str, newest))}")
sys.exit(1 if bad else 0)
