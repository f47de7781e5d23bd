"""What Schemathesis is told of the requests that it makes: names of what exists, and how a signed message travels."""

import os
import re

import schemathesis

_HANDLE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_KNOWN = {
    "/v1/users/": "KNOWN_USER",
    "/v1/enrolments/": "KNOWN_ENROLMENT",
    "/v1/authenticators/": "KNOWN_AUTHENTICATOR",
    "/v1/challenges/": "KNOWN_CHALLENGE",
    "/v1/device/challenges/": "KNOWN_CHALLENGE",
    "/v1/device/devices/": "KNOWN_ENROLMENT",
}


def _right(value):
    return isinstance(value, str) and _HANDLE.fullmatch(value)


@schemathesis.hook
def before_call(context, case, kwargs):
    """An id that is right in form, and would name nothing, becomes the one that names something."""
    for start, name in _KNOWN.items():
        if case.path.startswith(start) and _right((case.path_parameters or {}).get("id")):
            case.path_parameters["id"] = os.environ[name]
    if isinstance(case.body, dict):
        for member, name in {"user_id": "KNOWN_USER", "challenge_id": "KNOWN_CHALLENGE"}.items():
            if _right(case.body.get(member)):
                case.body[member] = os.environ[name]


@schemathesis.serializer("application/jose")
def jose(context, value):
    """A signed message travels as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
