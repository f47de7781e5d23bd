"""Receives Countersign's webhooks, and prints those that are genuine. Python's own library suffices.

    WEBHOOK_SECRET=whsec_… python3 webhook_receiver.py 8090
"""
import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

TOLERANCE = 300  # seconds: an older request may be somebody's who has kept it

def verified(secret, headers, body):
    """The event; None when its sender does not know the secret, or it was sent too long ago."""
    event, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent_at.isascii() and sent_at.isdigit() and abs(time.time() - int(sent_at)) <= TOLERANCE):
        return None
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = hmac.new(key, f"{event}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    right = b"v1," + base64.b64encode(right)
    given = headers.get("webhook-signature", "").split()  # several while a secret changes
    return json.loads(body) if any([hmac.compare_digest(right, one.encode()) for one in given]) else None

class Receiver(BaseHTTPRequestHandler):
    seen = set()  # where you keep your own data, so that it outlives a restart

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", "0")), 65536))
        event = verified(os.environ["WEBHOOK_SECRET"], self.headers, body)
        if event and self.headers["webhook-id"] not in self.seen:  # the same may come more than once
            print(json.dumps(event), flush=True)
            self.seen.add(self.headers["webhook-id"])
        self.send_response(204 if event else 401)
        self.end_headers()

    def log_message(self, *_):
        pass

if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"Listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
