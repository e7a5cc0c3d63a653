"""Checks by tools of others, none of which knows utfall: signatures, ledger, RO-Crate, OpenLineage.

    python check.py BUNDLE LEDGER LEDGER_PUBLIC_KEY

Needs the packages of requirements.txt. Prints one line for each check; any failure ends with 1.
"""

import base64
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import jsonschema
import rocrate
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from openlineage.client import event_v2
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def public_key(line):
    """The 32 bytes of a key `NAME+HASH+KEY` of C2SP signed-note."""
    name, stated, key = line.strip().split("+", 2)
    raw = base64.b64decode(key)
    assert raw[0] == 1, "no Ed25519 key"
    found = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    assert found == stated, "the hash of the key does not fit"
    return name, raw[1:]


def check_dsse(bundle):
    """securesystemslib, the library of TUF and in-toto, verifies every signature."""
    document = json.loads(bundle["manifest.dsse.json"])
    keys = []
    for signature in document["signatures"]:
        _, raw = public_key(signature["keyid"])
        keys.append(SSlibKey(signature["keyid"], "ed25519", "ed25519", {"public": raw.hex()}))
    envelope = Envelope.from_dict(document)
    assert envelope.payload == bundle["manifest.json"], "another payload"
    accepted = envelope.verify(keys, len(keys))
    assert len(accepted) == len(keys) > 0
    statement = json.loads(envelope.payload)
    for subject in statement["subject"]:
        found = hashlib.sha256(bundle[subject["name"]]).hexdigest()
        assert found == subject["digest"]["sha256"], subject["name"]
    print(f"DSSE: {len(accepted)} signatures and {len(statement['subject'])} subjects, by securesystemslib")


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def root(leaves):
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def tile_path(n):
    digits = f"{n:03d}"
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def check_ledger(folder, key_line):
    """Checkpoint by `cryptography`, tiles and root from the entries, as C2SP tlog-tiles lays them out."""
    name, raw = public_key(key_line)
    text, signatures = (folder / "checkpoint").read_text().rsplit("\n\n", 1)
    text += "\n"
    origin, size, stated = text.split("\n")[:3]
    assert origin == name
    lines = [line.split(" ") for line in signatures.strip().split("\n")]
    ours = [base64.b64decode(sig) for dash, who, sig in lines if dash == "\u2014" and who == name]
    Ed25519PublicKey.from_public_bytes(raw).verify(ours[0][4:], text.encode())
    entries, size = [], int(size)
    for n in range(-(-size // 256)):
        width = min(256, size - n * 256)
        suffix = "" if width == 256 else f".p/{width}"
        data = (folder / "tile/entries" / (tile_path(n) + suffix)).read_bytes()
        hashes = (folder / "tile/0" / (tile_path(n) + suffix)).read_bytes()
        while data:
            (length,) = struct.unpack(">H", data[:2])
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
        made = b"".join(map(leaf_hash, entries[n * 256 :]))
        assert made == hashes, f"tile {n}"
    assert len(entries) == size
    assert root(list(map(leaf_hash, entries))) == base64.b64decode(stated)
    print(f"ledger: {size} entries under the signed checkpoint")
    return entries


def check_proof(bundle, entries):
    """The proof in the bundle, by the audit path of RFC 9162."""
    head, note = bundle["ledger/bundle.tlog-proof"].decode().split("\n\n", 1)
    header, index, *path = head.split("\n")
    assert header == "c2sp.org/tlog-proof@v1"
    index = int(index.removeprefix("index "))
    _, size, stated = note.split("\n")[:3]
    seal = hashlib.sha256(bundle["manifest.json"]).hexdigest()
    assert json.loads(entries[index])["seal"] == seal
    fn, sn, found = index, int(size) - 1, leaf_hash(entries[index])
    for beside in map(base64.b64decode, path):
        if fn & 1 or fn == sn:
            found = hashlib.sha256(b"\1" + beside + found).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = hashlib.sha256(b"\1" + found + beside).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0 and found == base64.b64decode(stated)
    print(f"proof: entry {index} of {size} is this bundle")


def event_schemas():
    """The published schema, beside this file: of any event, and of one of a run. Formats are asserted."""
    here = pathlib.Path(__file__).with_name("openlineage")
    schema = json.loads((here / "OpenLineage.json").read_text())
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    formats = set(kind.FORMAT_CHECKER.checkers)
    assert {"date-time", "uri", "uuid"} <= formats, "a format would not be checked"
    run_event = {key: value for key, value in schema.items() if key != "oneOf"} | {"$ref": "#/$defs/RunEvent"}
    return [kind(one, format_checker=kind.FORMAT_CHECKER) for one in (schema, run_event)]


def broken(event):
    """Events that the schema of a run's must refuse, so that a schema which accepts all is noticed."""
    for part in ["eventTime", "producer", "schemaURL", "run", "job"]:
        yield {key: value for key, value in event.items() if key != part}
    yield event | {"eventType": "BEGIN"}
    yield event | {"eventTime": "yesterday"}
    yield event | {"run": {"runId": "1"}}
    yield event | {"job": {"name": event["job"]["name"]}}
    yield event | {"inputs": [event["inputs"][0] | {"facets": {"version": {"datasetVersion": "1"}}}]}


def check_lineage(bundle):
    """The published JSON Schema, and the classes of openlineage-python, which also know the facet we use."""
    any_event, run_event = event_schemas()
    events = json.loads(bundle["record/openlineage.json"])
    for event in events:
        any_event.validate(event)
        run_event.validate(event)
        assert event["schemaURL"] == any_event.schema["$id"] + "#/$defs/RunEvent", event["schemaURL"]
        for other in broken(event):
            assert not run_event.is_valid(other), other
        made = event_v2.RunEvent(
            eventType=event_v2.RunState(event["eventType"]),
            eventTime=event["eventTime"],
            run=event_v2.Run(**event["run"]),
            job=event_v2.Job(**event["job"]),
            producer=event["producer"],
            inputs=[event_v2.InputDataset(one["namespace"], one["name"]) for one in event["inputs"]],
            outputs=[event_v2.OutputDataset(one["namespace"], one["name"]) for one in event["outputs"]],
        )
        assert made.schemaURL == event["schemaURL"], (made.schemaURL, event["schemaURL"])
        for facet in [facet for one in event["inputs"] for facet in one["facets"].items()]:
            name, members = facet[0], dict(facet[1])
            producer, stated = members.pop("_producer"), members.pop("_schemaURL")
            known = DatasetVersionDatasetFacet(producer=producer, **members)
            assert name == "version" and known._schemaURL.split("#")[0] == stated, (name, stated)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    print(f"OpenLineage: {len(events)} events, by the published schema and openlineage-python")


def inline_context(path):
    """Puts the published context that ro-crate-py ships in the place of its address: no network here."""
    crate = json.loads(path.read_text())
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    published = pathlib.Path(rocrate.__file__).with_name("data") / "ro-crate.jsonld"
    crate["@context"] = json.loads(published.read_text())["@context"]
    path.write_text(json.dumps(crate))


def check_crate(bundle):
    """rocrate-validator, all that RO-Crate 1.1 and Process Run Crate require."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in bundle.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        inline_context(pathlib.Path(folder, "ro-crate-metadata.json"))
        command = [
            pathlib.Path(sys.executable).with_name("rocrate-validator"), "--no-interactive", "validate",
            "--profile-identifier", "process-run-crate", "--requirement-severity", "REQUIRED",
            "--output-format", "json", "--offline", folder,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    print("RO-Crate: Process Run Crate, by rocrate-validator")


def main():
    with zipfile.ZipFile(sys.argv[1]) as archive:
        bundle = {name: archive.read(name) for name in archive.namelist()}
    check_dsse(bundle)
    entries = check_ledger(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).read_text())
    check_proof(bundle, entries)
    check_lineage(bundle)
    check_crate(bundle)


main()
