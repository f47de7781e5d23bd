"""What the running server says of itself at /openapi.json: validators take it, and no answer to requests made after it,
right and wrong ones, is missing in it."""

import os
import subprocess
import unittest
import urllib.request
from pathlib import Path

from world import PATIENCE, Phone, Server

HERE = Path(__file__).parent
WORK = Path(os.environ["WORK"])
PYTHON, NODE, NODE_MODULES = (os.environ[name] for name in ("PYTHON", "NODE", "NODE_MODULES"))
CHECKS = [
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
    "not_a_server_error",
]


class Description(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.description = WORK / "described.json"
        with urllib.request.urlopen(f"{cls.server.url}/openapi.json", timeout=PATIENCE) as answer:
            cls.description.write_bytes(answer.read())

    def takes(self, *command, **environment):
        ended = subprocess.run(
            list(map(str, command)),
            cwd=WORK,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        self.assertEqual(ended.returncode, 0, ended.stdout[-8000:] + ended.stderr[-8000:])
        return ended.stdout

    def test_openapi_spec_validator_takes_it(self):
        self.takes(PYTHON, "-m", "openapi_spec_validator", self.description)

    def test_redocly_takes_it_without_a_warning(self):
        # It would look for a newer version of itself, and tell its makers of this run.
        silent = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
        said = self.takes(
            NODE, f"{NODE_MODULES}/.bin/redocly", "lint", self.description, "--format", "json", **silent
        )
        self.assertIn('"warnings": 0', said)

    def test_spectral_takes_it_without_a_warning(self):
        rules = ["--ruleset", HERE / "spectral.yaml", "--fail-severity", "warn"]
        self.takes(NODE, f"{NODE_MODULES}/.bin/spectral", "lint", self.description, *rules)

    def known(self):
        """One of everything that has an id. What can be waited for is settled, so that no wait is long."""
        user, phone = self.server.person("maya"), Phone()
        self.addCleanup(phone.close)
        enrolment = phone.enrols(self.server, user)
        challenge = self.server.call("POST", "/v1/challenges", {"user_id": user})["id"]
        phone.does("approve", phone.asked())
        return {
            "KNOWN_USER": user,
            "KNOWN_CHALLENGE": challenge,
            "KNOWN_ENROLMENT": enrolment,
            "KNOWN_AUTHENTICATOR": self.server.call("POST", f"/v1/users/{user}/authenticators", {})["id"],
        }

    def test_schemathesis_finds_no_answer_that_is_not_described(self):
        key = ["--header", f"Authorization: Bearer {self.server.api_key}"]
        bounds = ["--phases", "coverage,fuzzing", "--max-examples", "12", "--seed", "1", "--max-redirects", "0"]
        said = self.takes(
            Path(PYTHON).with_name("schemathesis"),
            *["--config-file", HERE / "schemathesis.toml", "run"],
            f"{self.server.url}/openapi.json",
            *key,
            *bounds,
            *["--checks", ",".join(CHECKS), "--continue-on-failure", "--generation-database", "none"],
            SCHEMATHESIS_HOOKS="requests_made",
            PYTHONPATH=str(HERE),
            **self.known(),
        )
        print(said[said.find("== SUMMARY ==") :])


if __name__ == "__main__":
    unittest.main()
