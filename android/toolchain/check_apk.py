#!/usr/bin/env python3
"""check_apk.py FLAVOUR MANIFEST APK PERMISSIONS: what a packed app may do, line by line, against the list with reasons.

Prints a line for each check and ends with 1 when one fails.
"""

import json
import struct
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

ANDROID = "{http://schemas.android.com/apk/res/android}"
# Firebase names an interface of its analytics, which does nothing where those are not in the app.
TRACKERS = (
    "com/google/android/gms/ads",
    "com/google/android/gms/measurement",
    "com/google/firebase/analytics/FirebaseAnalytics",
    "com/google/firebase/crashlytics",
    "com/facebook",
)
GOOGLE = ("com/google/firebase", "com/google/android/gms", "com/google/android/datatransport")
PAGE = 16 * 1024


def named(elements):
    return {element.get(ANDROID + "name") for element in elements}


def classes_of(apk: zipfile.ZipFile) -> bytes:
    return b"".join(apk.read(name) for name in apk.namelist() if name.endswith(".dex"))


def unaligned(apk: zipfile.ZipFile, path: str):
    """Native libraries that are compressed, or do not begin at a page of 16 KB."""
    with open(path, "rb") as file:
        for info in apk.infolist():
            if not info.filename.endswith(".so"):
                continue
            file.seek(info.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
            if info.compress_type != zipfile.ZIP_STORED or (info.header_offset + 30 + name + extra) % PAGE:
                yield info.filename


def checks(flavour: str, manifest: str, path: str, reasons: dict):
    root = ElementTree.parse(manifest).getroot()
    application = root.find("application")
    allowed = {**reasons["both"], **reasons[flavour]}
    asked = named(root.iter("uses-permission"))
    yield "permissions that no reason is given for", asked - allowed.keys()
    yield "reasons for permissions that are not asked for", allowed.keys() - asked
    exported = {
        element.get(ANDROID + "name")
        for kind in ("activity", "receiver", "service", "provider")
        for element in application.iter(kind)
        if element.get(ANDROID + "exported") == "true"
    }
    may_be = {**reasons["exported"]["both"], **reasons["exported"][flavour]}
    yield "parts that are open to other apps without a reason", exported - may_be.keys()
    yield "reasons for parts that are not open", may_be.keys() - exported
    yield "backups are allowed", {"allowBackup"} if application.get(ANDROID + "allowBackup") != "false" else set()
    yield "the app can be debugged", {"debuggable"} if application.get(ANDROID + "debuggable") == "true" else set()
    with zipfile.ZipFile(path) as apk:
        code = classes_of(apk)
        yield "trackers", {name for name in TRACKERS if f"L{name}".encode() in code}
        if flavour == "foss":
            yield "code of Google's services", {name for name in GOOGLE if f"L{name}".encode() in code}
        yield "the app was shrunk away", {"classes"} if b"io/github/countersign/android" not in code else set()
        yield "libraries that cannot be mapped out of the file", set(unaligned(apk, path))


def main() -> int:
    flavour, manifest, path, permissions = sys.argv[1:]
    failed = 0
    for what, found in checks(flavour, manifest, path, json.loads(Path(permissions).read_text(encoding="utf-8"))):
        print(f"{flavour}: {what}: {', '.join(sorted(found)) or 'none'}")
        failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
