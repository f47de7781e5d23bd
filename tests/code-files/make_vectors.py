"""Writes tests/vectors/code_files.json: files of other authenticator apps, made from the descriptions of their formats
with fixed passwords, salts and nonces, and what must come of each. Nothing of Countersign is used: the cryptography is
that of OpenSSL and libsodium.

    python make_vectors.py > ../vectors/code_files.json
"""

import base64
import json
import sys
from urllib.parse import quote

import nacl.bindings as sodium
import nacl.pwhash
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

PASSWORD = "correct horse, Größe 1"
SECRET = "JBSWY3DPEHPK3PXP"
LONG = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def fixed(length: int, seed: int) -> bytes:
    """Bytes that look like nothing and are always the same."""
    digest = hashes.Hash(hashes.SHAKE256(length))
    digest.update(b"code files %d" % seed)
    return digest.finalize()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# What must come of the accounts that every format has: in the words of links, as they are kept.
ACME = {"link_utf8": f"otpauth://totp/ACME:maya%40example.org?secret={SECRET}&issuer=ACME"
                     "&algorithm=SHA1&digits=6&period=30", "group": "Work"}
BANK = {"link_utf8": f"otpauth://totp/Bank%20of%20Zo%C3%AB:maya?secret={LONG}&issuer=Bank%20of%20Zo%C3%AB"
                     "&algorithm=SHA256&digits=8&period=45"}
STEAM = {"link_utf8": f"otpauth://steam/Steam:maya?secret={LONG}&issuer=Steam"}
FORGE = {"link_utf8": f"otpauth://hotp/Forge:maya?secret={LONG}&issuer=Forge&algorithm=SHA512&digits=7&counter=41",
         "group": "Home"}


def gives(codes, not_taken=()):
    for code in codes:
        code.setdefault("group", None)
        code.setdefault("warnings", [])
    return {"codes": list(codes), "not_taken": [{"name": name, "reason": reason} for name, reason in not_taken]}


def noted(code, *warnings):
    return {**code, "warnings": list(warnings)}


# Aegis -----------------------------------------------------------------------------------------------------------

WORK, HOME = "0b5bd0b2-1111-4000-8000-000000000001", "0b5bd0b2-1111-4000-8000-000000000002"


def aegis_entry(kind, issuer, name, info, groups=(), note=""):
    return {"type": kind, "uuid": "01234567-89ab-cdef-0123-456789abcdef", "name": name, "issuer": issuer,
            "note": note, "favorite": False, "icon": None, "info": info, "groups": list(groups)}


def info(secret, algo="SHA1", digits=6, **more):
    return {"secret": secret, "algo": algo, "digits": digits, **more}


AEGIS = {
    "version": 3,
    "entries": [
        aegis_entry("totp", "ACME", "maya@example.org", info(SECRET, period=30), [WORK]),
        aegis_entry("totp", "Bank of Zoë", "maya", info(LONG, "SHA256", 8, period=45), note="branch 7"),
        aegis_entry("steam", "Steam", "maya", info(LONG, digits=5, period=30)),
        aegis_entry("hotp", "Forge", "maya", info(LONG, "SHA512", 7, counter=41), [HOME, WORK]),
        aegis_entry("totp", "Old", "maya", info(SECRET, "MD5", period=30)),
        aegis_entry("totp", "Broken", "maya", info("JBSWY3D0", period=30)),
        aegis_entry("totp", "Empty", "maya", info("", period=30)),
        aegis_entry("totp", "Ten", "maya", info(SECRET, digits=10, period=30)),
        aegis_entry("totp", "Slow", "maya", info(SECRET, period=0)),
        aegis_entry("yandex", "Yandex", "maya", info(SECRET, "SHA256", 8, period=30, pin="1234")),
        aegis_entry("motp", "Mobile", "maya", info(SECRET, "MD5", 6, period=10, pin="1234")),
        aegis_entry("ocra", "Later", "maya", info(SECRET)),
        aegis_entry("totp", "List", "maya", info(["a"], period=30)),
        "not an entry",
    ],
    "groups": [{"uuid": WORK, "name": "Work"}, {"uuid": HOME, "name": "Home"}],
    "icons_optimized": True,
}
AEGIS_GIVES = gives(
    [ACME, noted(BANK, "note_left"), STEAM, noted(FORGE, "other_groups")],
    [("Old, maya", "old_algorithm"), ("Broken, maya", "secret_characters"), ("Empty, maya", "no_secret"),
     ("Ten, maya", "digits"), ("Slow, maya", "period"), ("Yandex, maya", "other_app"), ("Mobile, maya", "mobile_otp"),
     ("Later, maya", "unknown_type"), ("List, maya", "secret_characters"), ("", "damaged_entry")],
)


def aegis_plain(contents=AEGIS, version=1):
    return {"version": version, "header": {"slots": None, "params": None}, "db": contents}


def aegis_slot(seed, password, master, kind=1):
    n, r, p = 1024, 8, 1
    salt, nonce = fixed(32, seed), fixed(12, seed + 1)
    key = Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(password.encode())
    sealed = AESGCM(key).encrypt(nonce, master, None)
    return {"type": kind, "uuid": "a8325752-c1be-458a-9b3e-5e0a8154d9ec", "key": sealed[:32].hex(),
            "key_params": {"nonce": nonce.hex(), "tag": sealed[32:].hex()}, "n": n, "r": r, "p": p,
            "salt": salt.hex(), "repaired": True, "is_backup": False}


def aegis_encrypted():
    master, nonce = fixed(32, 10), fixed(12, 11)
    biometric = {"type": 2, "uuid": "a8325752-c1be-458a-9b3e-5e0a8154d9ed", "key": fixed(32, 12).hex(),
                 "key_params": {"nonce": fixed(12, 13).hex(), "tag": fixed(16, 14).hex()}}
    slots = [biometric, aegis_slot(15, "another password", master), aegis_slot(17, PASSWORD, master)]
    sealed = AESGCM(master).encrypt(nonce, json.dumps(AEGIS, indent=4).encode(), None)
    return {"version": 1, "header": {"slots": slots, "params": {"nonce": nonce.hex(), "tag": sealed[-16:].hex()}},
            "db": b64(sealed[:-16])}


# 2FAS ------------------------------------------------------------------------------------------------------------

GROUPS = [{"id": WORK, "name": "Work", "isExpanded": True}, {"id": HOME, "name": "Home", "isExpanded": True}]


def service(name, secret, group=None, **otp):
    found = {"name": name, "secret": secret, "updatedAt": 1702934567518,
             "otp": {"source": "Link", "algorithm": "SHA1", "digits": 6, "tokenType": "TOTP", **otp},
             "order": {"position": 0}, "icon": {"selected": "Label"}}
    return {**found, "groupId": group} if group else found


SERVICES = [
    service("ACME", SECRET, WORK, account="maya@example.org", label="maya@example.org", issuer="ACME", period=30),
    service("", LONG, issuer="Bank of Zoë", label="maya", algorithm="SHA256", digits=8, period=45),
    service("Steam", LONG, account="maya", tokenType="STEAM", digits=5, period=30),
    service("Forge", LONG, HOME, account="maya", issuer="Smithy", tokenType="HOTP", algorithm="SHA512", digits=7,
            counter=41),
    service("Old", SECRET, algorithm="MD5"),
    service("Middle", SECRET, algorithm="SHA384"),
    service("Broken", "JBSWY3D0", account="maya"),
    7,
]
TWO_FAS_GIVES = gives(
    [ACME, BANK, STEAM, FORGE],
    [("Old", "old_algorithm"), ("Middle", "algorithm"), ("Broken, maya", "secret_characters"), ("", "damaged_entry")],
)


def two_fas(**more):
    return {"services": SERVICES, "groups": GROUPS, "updatedAt": 1702934732299, "schemaVersion": 4,
            "appVersionCode": 5000009, "appVersionName": "5.1.0", "appOrigin": "android", **more}


def two_fas_sealed(plain: str, seed: int) -> str:
    salt, nonce = fixed(256, 20), fixed(12, seed)
    key = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=salt, iterations=10_000).derive(PASSWORD.encode())
    return ":".join(map(b64, [AESGCM(key).encrypt(nonce, plain.encode(), None), salt, nonce]))


def two_fas_encrypted():
    return two_fas(services=[], servicesEncrypted=two_fas_sealed(compact(SERVICES), 21),
                   reference=two_fas_sealed("a known text", 22))


# Ente Auth -------------------------------------------------------------------------------------------------------

def display(**more) -> str:
    kept = {"pinned": False, "trashed": False, "lastUsedAt": 0, "tapCount": 0, "tags": [], "note": "", "position": 0,
            "iconSrc": "", "iconID": "", **more}
    return "&codeDisplay=" + quote(json.dumps(kept, separators=(",", ":"), ensure_ascii=False), safe="")


ENTE = "\n".join([
    f"otpauth://totp/ACME:maya%40example.org?secret={SECRET}&issuer=ACME&algorithm=sha1&digits=6&period=30"
    + display(tags=["Work"]),
    f"otpauth://totp/Bank%20of%20Zo%C3%AB:maya?secret={LONG}&issuer=Bank+of+Zo%C3%AB&algorithm=sha256&digits=8"
    "&period=45" + display(note="digits=6, secret=none & more"),
    f"otpauth://steam/Steam:maya?algorithm=sha1&digits=5&issuer=Steam&period=30&secret={LONG}" + display(),
    f"otpauth://hotp/Forge:maya?secret={LONG}&issuer=Forge&algorithm=SHA512&digits=7&counter=41"
    + display(tags=["Home", "Work"]),
    f"otpauth://totp/Gone:maya?secret={LONG}&issuer=Gone&period=30" + display(trashed=True),
    f"otpauth://totp/Old:maya?secret={SECRET}&issuer=Old&algorithm=MD5" + display(),
])
ENTE_GIVES = gives(
    [ACME, noted(BANK, "note_left"), STEAM, noted(FORGE, "other_groups")],
    [("Gone, maya", "thrown_away"), ("Old, maya", "old_algorithm")],
)


def ente_encrypted(plain: str = ENTE, memory=1024 * 1024, passes=2):
    salt = fixed(16, 30)
    key = nacl.pwhash.argon2id.kdf(32, PASSWORD.encode(), salt, opslimit=passes, memlimit=memory)
    # The header is random and libsodium takes none, so it is kept in the file that was made once.
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    final = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
    sealed = sodium.crypto_secretstream_xchacha20poly1305_push(state, plain.encode(), None, final)
    return {"version": 1, "kdfParams": {"memLimit": memory, "opsLimit": passes, "salt": b64(salt)},
            "encryptedData": b64(sealed), "encryptionNonce": b64(header)}


ENTE_ENCRYPTED = ente_encrypted()


# Credential Exchange Format --------------------------------------------------------------------------------------

def item(number, title, *credentials):
    return {"id": f"aXRlbS{number}", "creationAt": 1706613834, "modifiedAt": 1706613834, "title": title,
            "credentials": list(credentials)}


def totp(secret, username="maya", **more):
    return {"type": "totp", "secret": secret, "period": 30, "digits": 6, "username": username, "algorithm": "sha1",
            **more}


CXF = {
    "version": {"major": 1, "minor": 7},
    "exporterRpId": "exporter.example.com",
    "exporterDisplayName": "Exporter",
    "timestamp": 1706613834,
    "accounts": [{
        "id": "YWNjb3VudA", "username": "maya", "email": "maya@example.org",
        "collections": [{"id": "Yw", "title": "All", "items": [], "subCollections": [
            {"id": "ZA", "title": "Work", "items": [{"item": "aXRlbS1", "account": "YWNjb3VudA"}]}]}],
        "items": [
            item(1, "Sign-in", {"type": "basic-auth", "username": {"fieldType": "string", "value": "maya"},
                                "password": {"fieldType": "concealed-string", "value": "hunter2"}},
                 totp(SECRET, "maya@example.org", issuer="ACME")),
            item(2, "Bank of Zoë", totp(LONG, algorithm="sha256", digits=8, period=45)),
            item(3, "Odd", totp(SECRET, algorithm="sha3-256")),
            item(4, "Key", {"type": "passkey", "credentialId": "AAAA", "rpId": "example.org", "key": "AAAA"}),
            item(5, "Broken", totp("0000")),
            item(6, "Later", "?", {"type": "hologram"}),
            item(7, "Nothing"),
        ],
    }],
}
CXF["accounts"][0]["items"][0]["id"] = "aXRlbS1"
CXF_GIVES = gives(
    [ACME, BANK],
    [("Sign-in", "no_code"), ("Odd, maya", "algorithm"), ("Key", "no_code"), ("Broken, maya", "secret_characters"),
     ("", "damaged_entry"), ("Later", "no_code")],
)


# Our own ---------------------------------------------------------------------------------------------------------

OWN = {"codes": [
    {"link": ACME["link_utf8"], "group": "Work"},
    {"link": BANK["link_utf8"]},
    {"link": STEAM["link_utf8"]},
    {"link": FORGE["link_utf8"], "group": "Home"},
]}
OWN_GIVES = gives([ACME, BANK, STEAM, FORGE])


def own(contents=OWN, associated=b"countersign-codes v1", **more):
    salt, nonce = fixed(16, 40), fixed(12, 41)
    key = Argon2id(salt=salt, length=32, iterations=2, lanes=2, memory_cost=256).derive(PASSWORD.encode())
    sealed = AESGCM(key).encrypt(nonce, compact(contents).encode(), associated)
    return {"format": "countersign-codes", "version": 1,
            "kdf": {"name": "argon2id", "memory_kib": 256, "passes": 2, "lanes": 2, "salt": b64(salt)},
            "cipher": {"name": "AES-256-GCM", "nonce": b64(nonce)}, "ciphertext": b64(sealed), **more}


# What is refused as a whole --------------------------------------------------------------------------------------

def flipped(text: str) -> str:
    """Base64 of other bytes: the first character is another."""
    return ("B" if text[0] == "A" else "A") + text[1:]


def changes():
    """Of each accepted file with its password: what is changed, at which path, and what must come of it."""
    aegis, fas, ente, ours = aegis_encrypted(), two_fas_encrypted(), ENTE_ENCRYPTED, own()
    slots = ["header", "slots"]
    for name, path, value, code in [
        ("a changed ciphertext", ["db"], flipped(aegis["db"]), "damaged_file"),
        ("a cut ciphertext", ["db"], aegis["db"][:-4], "damaged_file"),
        ("a changed tag", ["header", "params", "tag"], "00" * 16, "damaged_file"),
        ("a tag that is no hexadecimal", ["header", "params", "tag"], "x", "damaged_file"),
        ("only a fingerprint opens it", slots, aegis["header"]["slots"][:1], "no_password"),
        ("scrypt with much memory", [*slots, 2, "n"], 2**30, "too_costly"),
        ("scrypt with all memory", [*slots, 2, "n"], 2**63, "too_costly"),
        ("scrypt with wide blocks", [*slots, 2, "r"], 2**40, "too_costly"),
        ("scrypt a thousand million times", [*slots, 2, "p"], 10**9, "too_costly"),
        ("scrypt with n of 1000", [*slots, 1, "n"], 1000, "damaged_file"),
        ("scrypt with r of 0", [*slots, 1, "r"], 0, "damaged_file"),
        ("scrypt with p as a text", [*slots, 1, "p"], "1", "damaged_file"),
        ("a later file", ["version"], 2, "newer_file"),
        ("a file of no version", ["version"], None, "damaged_file"),
    ]:
        yield "aegis, encrypted", name, path, value, code
    for name, path, value, code in [
        ("later contents", ["db", "version"], 4, "newer_file"),
        ("no entries", ["db", "entries"], None, "damaged_file"),
        ("no contents", ["db"], [], "damaged_file"),
    ]:
        yield "aegis, plain", name, path, value, code
    sealed = fas["servicesEncrypted"]
    for name, path, value, code in [
        ("a changed ciphertext", ["servicesEncrypted"], flipped(sealed), "damaged_file"),
        ("two parts", ["servicesEncrypted"], sealed.rsplit(":", 1)[0], "damaged_file"),
        ("a short nonce", ["servicesEncrypted"], sealed.rsplit(":", 1)[0] + ":AAAA", "damaged_file"),
        ("a later version", ["schemaVersion"], 5, "newer_file"),
        ("no version", ["schemaVersion"], "four", "damaged_file"),
    ]:
        yield "2fas, encrypted", name, path, value, code
    data, cost = ente["encryptedData"], ["kdfParams"]
    for name, path, value, code in [
        ("a changed ciphertext", ["encryptedData"], flipped(data), "wrong_password"),
        ("a cut ciphertext", ["encryptedData"], data[:-4], "wrong_password"),
        ("nothing encrypted", ["encryptedData"], "", "wrong_password"),
        ("a short header", ["encryptionNonce"], "AAAA", "damaged_file"),
        ("a later version", ["version"], 2, "newer_file"),
        ("four gigabytes", [*cost, "memLimit"], 4 * 2**30, "too_costly"),
        ("a thousand million passes", [*cost, "opsLimit"], 10**9, "too_costly"),
        ("more than any number", [*cost, "memLimit"], 2**64 - 1, "too_costly"),
        ("no memory", [*cost, "memLimit"], 0, "damaged_file"),
        ("no pass", [*cost, "opsLimit"], 0, "damaged_file"),
        ("less than nothing", [*cost, "opsLimit"], -1, "damaged_file"),
        ("no salt", [*cost, "salt"], "", "damaged_file"),
    ]:
        yield "ente, encrypted", name, path, value, code
    yield "cxf", "a later version", ["version", "major"], 2, "newer_file"
    yield "cxf", "no version", ["version"], 1, "damaged_file"
    text = ours["ciphertext"]
    for name, path, value, code in [
        ("a changed ciphertext", ["ciphertext"], flipped(text), "wrong_password"),
        ("bound to something else", ["ciphertext"], own(associated=b"")["ciphertext"], "wrong_password"),
        ("no list of codes", ["ciphertext"], own({"codes": 7})["ciphertext"], "damaged_file"),
        ("nothing in it", ["ciphertext"], own({})["ciphertext"], "damaged_file"),
        ("a later version", ["version"], 2, "newer_file"),
        ("another key derivation", ["kdf", "name"], "argon2d", "damaged_file"),
        ("another cipher", ["cipher", "name"], "ROT-13", "damaged_file"),
        ("four gigabytes", ["kdf", "memory_kib"], 4 * 2**20, "too_costly"),
        ("a thousand million passes", ["kdf", "passes"], 10**9, "too_costly"),
        ("a thousand lanes", ["kdf", "lanes"], 1000, "too_costly"),
    ]:
        yield "our own", name, path, value, code


def main():
    def case(name, value, password, expected):
        text = value if isinstance(value, str) else compact(value)
        return {"name": name, "file_utf8": text, "password_utf8": password, "gives": expected}

    accepted = [
        case("aegis, plain", aegis_plain(), None, AEGIS_GIVES),
        case("aegis, encrypted", aegis_encrypted(), PASSWORD, AEGIS_GIVES),
        case("aegis, with groups by name as its first versions have them",
             aegis_plain({"version": 1, "entries": [{**AEGIS["entries"][0], "groups": None, "group": "Work"}]}), None,
             gives([ACME])),
        case("2fas, plain", two_fas(), None, TWO_FAS_GIVES),
        case("2fas, encrypted", two_fas_encrypted(), PASSWORD, TWO_FAS_GIVES),
        case("ente, plain", ENTE, None, ENTE_GIVES),
        case("ente, encrypted", ENTE_ENCRYPTED, PASSWORD, ENTE_GIVES),
        case("cxf", CXF, None, CXF_GIVES),
        case("our own", own(), PASSWORD, OWN_GIVES),
        case("our own, without codes", own({"codes": []}), PASSWORD, gives([])),
        case("our own, with members of a later time",
             own({"codes": [{**OWN["codes"][0], "colour": "red"}, 7, {"group": "Home"}], "more": [1]}), PASSWORD,
             gives([ACME], [("", "damaged_entry"), ("", "none")])),
    ]
    vectors = {
        "source": "tests/code-files/make_vectors.py",
        "accepted": accepted,
        "refused": [
            {"name": name, "like": like, "path": path, "value": value, "code": code}
            for like, name, path, value, code in changes()
        ],
    }
    json.dump(vectors, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
