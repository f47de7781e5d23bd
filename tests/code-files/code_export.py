"""Reads the export of codes as docs/code-export.md describes it, with nothing of Countersign.

    python code_export.py FILE < PASSWORD
"""

import base64
import json
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


class WrongPassword(Exception):
    """The password is another, or the file was changed."""


def read(text: str, password: str) -> list[dict]:
    """The codes of a file: each with its `link`, and with its `group` where it has one."""
    file = json.loads(text)
    kdf, cipher = file["kdf"], file["cipher"]
    known = (file["format"], file["version"], kdf["name"], cipher["name"])
    if known != ("countersign-codes", 1, "argon2id", "AES-256-GCM"):
        raise ValueError(f"not a file of this version: {known}")
    derive = Argon2id(
        salt=base64.b64decode(kdf["salt"]),
        length=32,
        iterations=kdf["passes"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    )
    key = derive.derive(password.encode())
    nonce, ciphertext = base64.b64decode(cipher["nonce"]), base64.b64decode(file["ciphertext"])
    try:
        plain = AESGCM(key).decrypt(nonce, ciphertext, b"countersign-codes v1")
    except InvalidTag:
        raise WrongPassword from None
    return json.loads(plain)["codes"]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as opened:
        codes = read(opened.read(), sys.stdin.readline().rstrip("\n"))
    for code in codes:
        print(code["link"], code.get("group", ""), sep="\t")
