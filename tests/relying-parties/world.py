"""The real binary at work: a server that can be killed, phones in the terminal, and a proxy that misbehaves."""

import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path

BINARY = os.environ["COUNTERSIGN_BINARY"]
PATIENCE = 120  # seconds for a step on a slow machine
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "RUST_LOG": "error"}


def run(*arguments):
    """What a command of the binary printed, as JSON."""
    ended = subprocess.run(
        [BINARY, *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
    )
    if ended.returncode != 0:
        raise AssertionError(f"countersign {' '.join(arguments)}: {ended.stderr.decode()}")
    return json.loads(ended.stdout)


class Server:
    """One server with a relying party. `start` starts it again where it was."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.config = Path(self.folder.name, "countersign.toml")
        self.config.write_text(f'listen = "127.0.0.1:0"\ndata_dir = "{self.folder.name}/data"\n')
        party = ["--organisation", "Meridian", "--relying-party", "Customer area"]
        self.api_key = run("init", "--json", "--config", str(self.config), *party)["api_key"]
        self.process = self.url = None
        self.start()

    def start(self):
        """Starts it, the second time at the same address."""
        listen = {"COUNTERSIGN_LISTEN": self.url.removeprefix("http://")} if self.url else {}
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", self.config],
            env=ENVIRONMENT | listen,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        first = self.process.stdout.readline()
        if not first.startswith("Listening on "):
            raise AssertionError(f"the server does not start: {first}")
        self.url = first.removeprefix("Listening on ").strip()

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def close(self):
        self.kill()
        self.folder.cleanup()

    def call(self, method, path, body=None):
        """What the server answers the relying party."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={"Authorization": f"Bearer {self.api_key}"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def person(self, name):
        """The id of a new person."""
        return self.call("POST", "/v1/users", {"name": name})["id"]


class Phone:
    """A phone in the terminal."""

    def __init__(self):
        self.store = tempfile.TemporaryDirectory()

    def does(self, *arguments):
        return run("phone", "--json", "--store", self.store.name, *arguments)

    def enrols(self, server, user):
        """Becomes a confirmed phone of this person; the enrolment's id."""
        made = server.call("POST", f"/v1/users/{user}/enrolments")
        code = self.opens(made["link"])
        server.call("POST", f"/v1/enrolments/{made['id']}/confirm", {"code": code})
        return made["id"]

    def opens(self, link):
        """Opens an enrolment link; the digits to type on the page."""
        return self.does("enrol", link)["confirmation_code"]

    def asked(self):
        """The one question that waits for an answer."""
        waiting = self.does("list")["pending"]
        if len(waiting) != 1:
            raise AssertionError(f"one question and its repetitions are one question: {waiting}")
        return waiting[0]["id"]

    def close(self):
        self.store.cleanup()


def _answer(status, kind, body):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head + body).encode()


def _lie(status, state):
    body = json.dumps({"id": "AAAAAAAAAAAAAAAAAAAAAA", "state": state, "number": "00"})
    return _answer(status, "application/json", body)


_PAGE = "<!doctype html><title>Sign in to the network</title>"
# What a proxy answers in the server's place. None of it is an answer of the server.
_WAYS = {
    "html_502": _answer("502 Bad Gateway", "text/html", _PAGE),
    "text_504": _answer("504 Gateway Timeout", "text/plain", "upstream timed out"),
    "empty_503": _answer("503 Service Unavailable", "text/plain", ""),
    "html_200": _answer("200 OK", "text/html", _PAGE),
    "html_404": _answer("404 Not Found", "text/html", _PAGE),
    "list_200": _answer("200 OK", "application/json", "[]"),
    "word_403": _answer("403 Forbidden", "application/json", '"no"'),
    "other_200": _answer("200 OK", "application/json", '{"state": "approved"}'),
    "other_401": _answer("401 Unauthorized", "application/json", '{"type": "about:blank", "title": "No"}'),
    "approved_502": _lie("502 Bad Gateway", "approved"),
    "claimed_500": _lie("500 Internal Server Error", "claimed"),
    "claimed_202": _lie("202 Accepted", "claimed"),
    "moved_302": b"HTTP/1.1 302 Found\r\nLocation: /portal\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "cut": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"state":',
    "no_http": b"SSH-2.0-OpenSSH_9.9\r\n",
    "silence": b"",
}


class Proxy:
    """Stands before the server. To each kind of request (`create`, `wait`, `claim`) it gives the faults of its list in
    turn, and after them what the server says. `lost` is heard by the server, and its answer goes astray."""

    def __init__(self, server, faults):
        self.faults = {step: list(of_step) for step, of_step in faults.items()}
        self.behind = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        self.given = []  # what was done to each request, for whoever reads a failure
        self.waits = threading.Event()  # a wait has reached the server
        self.unreachable = threading.Event()  # the server was not there
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        self.listener.close()

    def _listen(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        with stream:
            try:
                request = _read_request(stream)
                if request:
                    stream.sendall(self._answer_to(request))
            except OSError:
                pass  # whoever asked has gone

    def _answer_to(self, request):
        method, target = request.split(b" ", 2)[:2]
        step = "wait" if method == b"GET" else "claim" if target.endswith(b"/claim") else "create"
        if method == b"GET" and b"/v1/challenges/" not in target:
            step = "elsewhere"  # where a redirection leads
        with self.lock:
            way = self.faults[step].pop(0) if self.faults.get(step) else "passed"
            self.given.append((step, way))
        if way in _WAYS:
            return _WAYS[way]
        said = self._pass_on(request, step, way)
        return b"" if way == "lost" else said

    def _pass_on(self, request, step, way):
        request = re.sub(rb"(?im)^connection:.*\r\n", b"", request)
        request = request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        try:
            with socket.create_connection(self.behind, timeout=PATIENCE) as server:
                server.sendall(request)
                if (step, way) == ("wait", "passed"):
                    self.waits.set()
                said = b"".join(iter(lambda: server.recv(65536), b""))
        except OSError:
            self.unreachable.set()
            said = b""
        return said or _WAYS["html_502"]


def _read_request(stream):
    request = b""
    while True:
        head, whole, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if whole and len(body) >= int(length[1] if length else 0):
            return request
        more = stream.recv(65536)
        if not more:
            return b""
        request += more
