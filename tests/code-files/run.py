"""The export of the real binary, read from its description alone. Ends with "N passed, N failed"."""

import base64
import hashlib
import hmac
import json
import os
import pty
import stat
import subprocess
import sys
import tempfile
import termios
import time
import traceback
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import code_export

BINARY = os.environ["COUNTERSIGN_BINARY"]
VECTORS = Path(__file__).parent.parent / "vectors" / "code_files.json"
PASSWORD = "fünf Wörter, keines kurz"
LINKS = [
    "otpauth://totp/ACME:maya%40example.org?secret=JBSWY3DPEHPK3PXP&issuer=ACME&algorithm=SHA1&digits=6&period=30",
    "otpauth://totp/Bank%20of%20Zo%C3%AB:maya?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank%20of%20Zo%C3%AB"
    "&algorithm=SHA256&digits=8&period=45",
    "otpauth://steam/Steam:maya?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Steam",
    "otpauth://hotp/Forge:maya?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Forge&algorithm=SHA1&digits=6&counter=7",
]


class Phone:
    """A terminal phone with a store of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")

    def run(self, *arguments: str, expect: int = 0, text: str | None = None):
        command = [BINARY, "phone", "--store", str(self.folder / "store"), "--json", *arguments]
        ended = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", check=False)
        assert ended.returncode == expect, (arguments, ended)
        return json.loads(ended.stdout) if ended.stdout else ended.stderr

    def filled(self) -> "Phone":
        added = self.run("add", "-", text="\n".join(LINKS))
        assert [code["standing"] for code in added["codes"]] == ["new"] * 4, added
        self.run("rename", added["codes"][0]["id"], "--group", "Work")
        return self

    def exported(self) -> str:
        self.run("export-codes", str(self.folder / "codes"), "--password-file", str(self.folder / "password"))
        return (self.folder / "codes").read_text(encoding="utf-8")


def code_at(link: str, step: int) -> str:
    """The code of a link at a step of time (RFC 6238)."""
    parts = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    secret = parts["secret"]
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, step.to_bytes(8, "big"), getattr(hashlib, parts["algorithm"].lower())).digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset:offset + 4], "big") & 0x7FFFFFFF
    digits = int(parts["digits"])
    return str(number % 10**digits).zfill(digits)


def the_export_is_read_from_its_description(folder: Path):
    codes = code_export.read(Phone(folder / "phone").filled().exported(), PASSWORD)
    assert [code["link"] for code in codes] == LINKS, codes
    assert [code.get("group") for code in codes] == ["Work", None, None, None], codes


def its_secrets_make_the_codes_that_the_phone_shows(folder: Path):
    phone = Phone(folder / "phone").filled()
    codes = code_export.read(phone.exported(), PASSWORD)
    shown = phone.run("code")["codes"]
    for code, one in list(zip(codes, shown))[:2]:
        period = int(parse_qs(urlsplit(code["link"]).query)["period"][0])
        # The phone's moment is not known here, so its code is looked for among those of this hour.
        present = int(time.time()) // period
        steps = range(present - 5, present + 2)
        assert (one["code"], one["next"]) in [(code_at(code["link"], s), code_at(code["link"], s + 1)) for s in steps]


def another_password_opens_nothing(folder: Path):
    text = Phone(folder / "phone").filled().exported()
    for wrong in ["", PASSWORD.upper(), PASSWORD + " "]:
        try:
            code_export.read(text, wrong)
        except code_export.WrongPassword:
            continue
        raise AssertionError(wrong)


def the_file_is_for_its_owner_alone_and_is_never_written_over(folder: Path):
    phone = Phone(folder / "phone").filled()
    first = phone.exported()
    assert stat.S_IMODE((phone.folder / "codes").stat().st_mode) == 0o600
    arguments = ["export-codes", str(phone.folder / "codes"), "--password-file", str(phone.folder / "password")]
    assert "is there already" in json.dumps(phone.run(*arguments, expect=3))
    assert (phone.folder / "codes").read_text(encoding="utf-8") == first


def another_phone_takes_it_whole(folder: Path):
    one, other = Phone(folder / "one").filled(), Phone(folder / "other")
    (folder / "codes").write_text(one.exported(), encoding="utf-8")
    taken = other.run("add", str(folder / "codes"), "--password-file", str(other.folder / "password"))
    assert [code["standing"] for code in taken["codes"]] == ["new"] * 4, taken
    first = (one.folder / "codes").read_text(encoding="utf-8")
    assert code_export.read(other.exported(), PASSWORD) == code_export.read(first, PASSWORD)


def links_alone_are_written_when_they_are_asked_for(folder: Path):
    phone = Phone(folder / "phone").filled()
    phone.run("export-codes", str(phone.folder / "links"), "--unencrypted")
    assert (phone.folder / "links").read_text(encoding="utf-8").splitlines() == LINKS


def a_password_that_is_typed_is_not_shown(folder: Path):
    phone = Phone(folder / "phone").filled()
    (folder / "codes").write_text(phone.exported(), encoding="utf-8")
    command = [BINARY, "phone", "--store", str(phone.folder / "store"), "add", str(folder / "codes")]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(BINARY, command)
    shown = b""
    for typed in ["another password", PASSWORD]:
        shown += until(terminal, b"Password of the file: ")
        # A person is slower than the program is between its question and the terminal that no longer shows what is typed.
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.01)
        os.write(terminal, typed.encode() + b"\n")
    shown += until(terminal, None)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert b"on this phone already" in shown and b"does not open with this password" in shown, shown
    assert PASSWORD.encode() not in shown and b"another password" not in shown, shown


def until(terminal: int, words: bytes | None) -> bytes:
    """What a program shows in its terminal, until these words or its end."""
    shown = b""
    while words is None or not shown.endswith(words):
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
    return shown


def the_shared_file_is_read_too(_: Path):
    for case in json.loads(VECTORS.read_text(encoding="utf-8"))["accepted"]:
        if case["name"] == "our own":
            codes = code_export.read(case["file_utf8"], case["password_utf8"])
            expected = [(code["link_utf8"], code["group"]) for code in case["gives"]["codes"]]
            assert [(code["link"], code.get("group")) for code in codes] == expected
            return
    raise AssertionError("there is no such case")


TESTS = [
    the_export_is_read_from_its_description,
    its_secrets_make_the_codes_that_the_phone_shows,
    another_password_opens_nothing,
    the_file_is_for_its_owner_alone_and_is_never_written_over,
    another_phone_takes_it_whole,
    links_alone_are_written_when_they_are_asked_for,
    a_password_that_is_typed_is_not_shown,
    the_shared_file_is_read_too,
]


def main() -> int:
    failed = 0
    for test in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(Path(folder))
                print(f"ok      {test.__name__}")
            except Exception:
                failed += 1
                print(f"FAILED  {test.__name__}")
                traceback.print_exc(file=sys.stdout)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
