"""docs/examples: each program signs in through a proxy that misbehaves, while the server is killed and started again;
is told NO; and says what is to be mended."""

import os
import subprocess
import unittest
from pathlib import Path

from world import PATIENCE, Phone, Proxy, Server

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
# Each language's command; the runner of this suite makes and names what it needs.
COMMANDS = {
    "curl": ["bash", EXAMPLES / "curl.sh"],
    "python": [os.environ["PYTHON"], EXAMPLES / "relying_party.py"],
    "typescript": [os.environ["NODE"], EXAMPLES / "relying_party.ts"],
    "go": [os.environ["GO_EXAMPLE"]],
    "php": ["php", EXAMPLES / "relying_party.php"],
}
ASTRAY = {
    "create": ["html_502", "lost", "html_200", "no_http"],
    "wait": ["text_504", "cut", "list_200"],
    "claim": ["silence", "lost", "html_404", "moved_302"],
}
LIES = {
    "create": ["claimed_500", "claimed_202", "other_401"],
    "wait": ["approved_502", "other_200", "word_403"],
}


class Page:
    """A login page that asks through a proxy."""

    def __init__(self, language, proxy, api_key, user):
        environment = {"PATH": os.environ["PATH"], "COUNTERSIGN_URL": proxy.url, "COUNTERSIGN_API_KEY": api_key}
        self.proxy = proxy
        self.process = subprocess.Popen(
            [*COMMANDS[language], user, "198.51.100.7", "Firefox/140.0"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def number(self):
        """The number that it shows, once it does."""
        said = self.process.stdout.readline()
        if "Type this number on your phone: " not in said:
            raise AssertionError(said + self.process.stdout.read())
        return said.rsplit(" ", 1)[1].strip()

    def ends(self):
        """Its exit code, and what it said last."""
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


class Examples(unittest.TestCase):
    """Every language at the same time, each with a person and a phone of its own."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.users, cls.phones = {}, {}
        for language in COMMANDS:
            cls.users[language] = cls.server.person(language)
            cls.phones[language] = Phone()
            cls.addClassCleanup(cls.phones[language].close)
            cls.phones[language].enrols(cls.server, cls.users[language])

    def pages(self, faults, api_key=None, users=None):
        pages = {}
        for language in COMMANDS:
            proxy = Proxy(self.server, faults)
            self.addCleanup(proxy.close)
            user = (users or self.users)[language]
            pages[language] = Page(language, proxy, api_key or self.server.api_key, user)
            self.addCleanup(pages[language].process.stdout.close)
            self.addCleanup(pages[language].process.kill)
        return pages

    def each(self, pages, judge):
        for language, page in pages.items():
            with self.subTest(language):
                judge(page, *page.ends())

    def test_yes_signs_in_although_answers_go_astray_and_the_server_is_killed(self):
        pages = self.pages(ASTRAY)
        numbers = {language: page.number() for language, page in pages.items()}
        for page in pages.values():
            self.assertTrue(page.proxy.waits.wait(PATIENCE), page.proxy.given)
        self.server.kill()
        for page in pages.values():
            self.assertTrue(page.proxy.unreachable.wait(PATIENCE), page.proxy.given)
        self.server.start()
        for language, phone in self.phones.items():
            phone.does("approve", phone.asked(), "--number", numbers[language])

        def signed_in(page, code, said):
            self.assertEqual(code, 0, (said, page.proxy.given))
            self.assertRegex(said, "Signed in$", page.proxy.given)
            self.assertFalse(any(page.proxy.faults.values()), page.proxy.given)

        self.each(pages, signed_in)

    def test_no_keeps_out_whatever_a_proxy_says(self):
        pages = self.pages(LIES)
        for language, page in pages.items():
            page.number()
            self.phones[language].does("deny", self.phones[language].asked())

        def kept_out(page, code, said):
            self.assertNotEqual(code, 0, (said, page.proxy.given))
            self.assertRegex(said, "Not signed in$", page.proxy.given)
            self.assertFalse(any(page.proxy.faults.values()), page.proxy.given)

        self.each(pages, kept_out)

    def test_what_is_to_be_mended_is_said(self):
        nobody = dict.fromkeys(COMMANDS, "AAAAAAAAAAAAAAAAAAAAAA")
        no_phone = dict.fromkeys(COMMANDS, self.server.person("without a phone"))
        for words, others in {
            "There is no such user": {"users": nobody},
            "Enrol a device first": {"users": no_phone},
            "Send a valid API key": {"api_key": "csk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        }.items():

            def complains(_, code, said, words=words):
                self.assertNotEqual(code, 0, said)
                self.assertIn(words, said)
                self.assertNotIn("igned in", said)

            self.each(self.pages({"create": ["html_502"]}, **others), complains)

    def test_typescript_has_the_types_that_it_says(self):
        modules = Path(os.environ["NODE_MODULES"])
        checks = "--noEmit --strict --erasableSyntaxOnly --target esnext --module nodenext --types node --typeRoots"
        compiler = [os.environ["NODE"], modules / ".bin/tsc", *checks.split(), modules / "@types"]
        ended = subprocess.run([*compiler, EXAMPLES / "relying_party.ts"], capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stdout)

    def test_each_fits_on_a_screen(self):
        programs = sorted(path for path in EXAMPLES.iterdir() if path.is_file())
        self.assertEqual(len(programs), len(COMMANDS))
        for program in programs:
            self.assertLess(len(program.read_text().splitlines()), 60, program)


if __name__ == "__main__":
    unittest.main()
