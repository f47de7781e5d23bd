"""A second step for a login page, in Python with requests. Call it once the password was right:

    COUNTERSIGN_URL=https://… COUNTERSIGN_API_KEY=csk_… python3 relying_party.py USER_ID IP USER_AGENT
"""

import os
import sys
import time
import uuid

import requests


def phone_says_yes(server, api_key, user_id, ip, user_agent, show):
    """True when the phone said YES. Raises PermissionError for what is to be mended, TimeoutError for silence."""
    # The same key for every repetition: one challenge, one claim.
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": str(uuid.uuid4())}
    over = time.monotonic() + 90  # a minute for the person, and time to ask again

    def call(method, path, body=None):
        url = f"{server}/v1/challenges{path}"
        while time.monotonic() < over:
            try:
                answer = requests.request(method, url, headers=headers, json=body, timeout=30, allow_redirects=False)
                said = answer.json()
                if answer.status_code in (200, 201) and said["id"] and said["state"]:
                    return said
                if 400 <= answer.status_code < 500 and said["type"].startswith("urn:countersign:problem:"):
                    raise PermissionError(said["detail"])  # such as a wrong API key, an unknown user, no phone
            except (requests.RequestException, ValueError, TypeError, KeyError, AttributeError):
                pass  # a proxy answered, as while the server restarts, or nothing did: as good as still pending
            time.sleep(1)
        raise TimeoutError("The server does not answer.")

    policy = {"mode": "number", "digits": 2}
    asked = call("POST", "", {"user_id": user_id, "policy": policy, "context": {"ip": ip, "user_agent": user_agent}})
    show(asked["number"])
    while asked["state"] == "pending":
        asked = call("GET", f"/{asked['id']}?wait=25")  # proxies cut a request that is answered much later
    # One YES is one sign-in.
    return asked["state"] == "approved" and call("POST", f"/{asked['id']}/claim")["state"] == "claimed"


if __name__ == "__main__":
    try:
        yes = phone_says_yes(
            os.environ["COUNTERSIGN_URL"],
            os.environ["COUNTERSIGN_API_KEY"],
            *sys.argv[1:4],
            show=lambda number: print(f"Type this number on your phone: {number}", flush=True),
        )
    except (PermissionError, TimeoutError) as to_mend:
        print(to_mend, file=sys.stderr)
        sys.exit(2)
    print("Signed in" if yes else "Not signed in")
    sys.exit(0 if yes else 1)
