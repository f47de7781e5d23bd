"""Clients that public generators make of the running server's /openapi.json: each is made, compiled, and signs a person
in from the first call to the claim."""

import os
import shutil
import subprocess
import unittest
import urllib.request
from pathlib import Path

from world import PATIENCE, Phone, Server

HERE = Path(__file__).parent
WORK = Path(os.environ["WORK"])
PYTHON, NODE, NODE_MODULES = (os.environ[name] for name in ("PYTHON", "NODE", "NODE_MODULES"))
TSC = (
    "--noEmit --strict --erasableSyntaxOnly --allowImportingTsExtensions --target esnext --module nodenext --types node"
)


def command(folder, *arguments):
    """Runs a generator or a compiler, and fails with what it said."""
    ended = subprocess.run(
        list(map(str, arguments)), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900
    )
    if ended.returncode != 0:
        raise AssertionError(f"{arguments[0]}: {ended.stdout[-4000:]}{ended.stderr[-4000:]}")


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.description = WORK / "openapi.json"
        with urllib.request.urlopen(f"{cls.server.url}/openapi.json", timeout=PATIENCE) as answer:
            cls.description.write_bytes(answer.read())

    def folder(self, language):
        """A copy in which the client is made, over what an earlier run left for compilers that see what is the same."""
        return Path(shutil.copytree(HERE / "clients" / language, WORK / language, dirs_exist_ok=True))

    def signs_in(self, folder, *program):
        """Plays the phone of the person whom the program signs in."""
        environment = os.environ | {"COUNTERSIGN_URL": self.server.url, "COUNTERSIGN_API_KEY": self.server.api_key}
        phone = Phone()
        self.addCleanup(phone.close)
        with subprocess.Popen(
            list(map(str, program)),
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as client:
            self.addCleanup(client.kill)

            def says(word):
                line = client.stdout.readline()
                if not line.startswith(f"{word} "):
                    raise AssertionError(f"{word} was to come: {line}{client.stdout.read()}")
                return line.removeprefix(f"{word} ").strip()

            client.stdin.write(phone.opens(says("link")) + "\n")
            client.stdin.flush()
            number = says("number")
            phone.does("approve", phone.asked(), "--number", number)
            self.assertEqual(says("state"), "claimed")
            self.assertEqual(client.wait(PATIENCE), 0)

    def test_python_by_openapi_python_client(self):
        folder = self.folder("python")
        made = folder / "countersign_client"
        generate = "generate --meta none --overwrite --fail-on-warning --config generator.yaml --path".split()
        generator = [PYTHON, "-m", "openapi_python_client"]
        command(folder, *generator, *generate, self.description, "--output-path", made)
        self.signs_in(folder, PYTHON, "login.py")

    def test_typescript_by_openapi_typescript(self):
        folder = self.folder("typescript")
        modules = folder / "node_modules"
        modules.unlink(missing_ok=True)
        modules.symlink_to(NODE_MODULES)
        command(folder, NODE, "node_modules/.bin/openapi-typescript", self.description, "-o", "description.ts")
        command(folder, NODE, "node_modules/.bin/tsc", *TSC.split(), "login.ts")
        self.signs_in(folder, NODE, "login.ts")

    def test_go_by_oapi_codegen(self):
        folder = self.folder("go")
        (folder / "client").mkdir(exist_ok=True)
        generator = ["go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "client"]
        command(folder, *generator, "-o", "client/client.go", self.description)
        command(folder, "go", "build", "-o", "login", ".")
        self.signs_in(folder, "./login")

    def test_java_by_openapi_generator(self):
        folder = self.folder("java")
        # A class that the description has no more is not to be compiled.
        shutil.rmtree(folder / "target/generated-sources", ignore_errors=True)
        maven = ["mvn", "--batch-mode", "--quiet", "--no-transfer-progress", *os.environ["MAVEN_ARGUMENTS"].split()]
        command(folder, *maven, f"-Ddescription={self.description}", "compile")
        self.signs_in(folder, "java", "-cp", "target/classes:target/lib/*", "Login")


if __name__ == "__main__":
    unittest.main()
