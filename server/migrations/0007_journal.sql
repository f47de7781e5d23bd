-- Every fact that matters for security: who, what, to whom, why, when, from where. In handles, so that a line can be read when
-- the rows that it speaks of are gone. Nothing changes a line, and nothing removes one.
CREATE TABLE journal (
    row_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    actor_kind    TEXT NOT NULL CHECK (actor_kind IN ('relying_party', 'device', 'operator', 'server')),
    actor         TEXT,               -- the handle of whoever acted
    address       TEXT,               -- the other end of the connection
    fact          TEXT NOT NULL,
    organisation  TEXT,
    relying_party TEXT,
    account       TEXT,
    device        TEXT,
    challenge     TEXT,
    authenticator TEXT,
    reason        TEXT,
    detail        TEXT                -- JSON; of a challenge, how it stood
) STRICT;

CREATE INDEX journal_by_account ON journal (account, row_id) WHERE account IS NOT NULL;

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'a line of the journal is never changed'); END;
CREATE TRIGGER journal_is_not_shortened BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'a line of the journal is never removed'); END;

-- What relying parties are told are lines of the journal; those from before become such lines.
INSERT INTO journal (at, actor_kind, fact, organisation, relying_party, account, challenge, detail)
SELECT e.created_at, 'server', e.type, o.handle, p.handle, a.handle, c.handle,
       json_object('state', json_extract(e.payload, '$.state'),
                   'reported', json(iif(json_extract(e.payload, '$.reported'), 'true', 'false')),
                   'amr', json(coalesce(json_extract(e.payload, '$.amr'), '[]')))
FROM webhook_event e JOIN challenge c ON c.row_id = e.challenge JOIN account a ON a.row_id = c.account
JOIN relying_party p ON p.row_id = e.relying_party JOIN organisation o ON o.row_id = p.organisation
ORDER BY e.row_id;

ALTER TABLE webhook_event RENAME TO earlier_webhook_event;
DROP INDEX webhook_event_due;
DROP INDEX webhook_event_in_order;
DROP INDEX webhook_event_dead;
DROP INDEX webhook_event_by_age;

-- A line of the journal on its way to a relying party. A challenge's events are told in the order of their rows.
CREATE TABLE webhook_event (
    row_id        INTEGER PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,   -- the webhook-id: of the challenge and the fact, so that nothing is told as two
    relying_party INTEGER NOT NULL REFERENCES relying_party,
    challenge     INTEGER NOT NULL REFERENCES challenge,
    journal       INTEGER NOT NULL REFERENCES journal,
    state         TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'dead')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,       -- no attempt that fails is followed by one after this
    reason        TEXT,
    leased_by     TEXT,                   -- the process that may tell it until then
    leased_until  INTEGER
) STRICT;

INSERT INTO webhook_event (row_id, handle, relying_party, challenge, journal, state, attempts, due_at, expires_at, reason)
SELECT e.row_id, e.handle, e.relying_party, e.challenge, j.row_id, e.state, e.attempts, e.due_at, e.expires_at, e.reason
FROM earlier_webhook_event e JOIN challenge c ON c.row_id = e.challenge
JOIN journal j ON j.challenge = c.handle AND j.fact = e.type;

DROP TABLE earlier_webhook_event;

CREATE INDEX webhook_event_due ON webhook_event (relying_party, due_at) WHERE state = 'queued';
CREATE INDEX webhook_event_in_order ON webhook_event (challenge, row_id) WHERE state = 'queued';
CREATE INDEX webhook_event_dead ON webhook_event (relying_party, row_id) WHERE state = 'dead';
CREATE INDEX webhook_event_ended ON webhook_event (due_at) WHERE state <> 'queued';

ALTER TABLE push ADD COLUMN leased_by TEXT;
ALTER TABLE push ADD COLUMN leased_until INTEGER;
