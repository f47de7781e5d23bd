-- Where a relying party hears of its challenges.
CREATE TABLE webhook (
    relying_party  INTEGER PRIMARY KEY REFERENCES relying_party,
    url            TEXT NOT NULL,
    secret         BLOB NOT NULL,     -- sealed
    earlier_secret BLOB,              -- sealed; signs beside the other for a day after rotated_at
    rotated_at     INTEGER,
    created_at     INTEGER NOT NULL,
    disabled_at    INTEGER            -- since the receiver said that it is gone
) STRICT;

-- What is to be told: a row of the transaction in which it happened. A challenge's events are told in the order of their rows.
CREATE TABLE webhook_event (
    row_id        INTEGER PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,   -- the webhook-id: of the challenge and the type, so that nothing is told as two
    relying_party INTEGER NOT NULL REFERENCES relying_party,
    challenge     INTEGER NOT NULL REFERENCES challenge,
    type          TEXT NOT NULL,
    payload       TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'dead')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,       -- no attempt that fails is followed by one after this
    reason        TEXT
) STRICT;

CREATE INDEX webhook_event_due ON webhook_event (relying_party, due_at) WHERE state = 'queued';
CREATE INDEX webhook_event_in_order ON webhook_event (challenge, row_id) WHERE state = 'queued';
CREATE INDEX webhook_event_dead ON webhook_event (relying_party, row_id) WHERE state = 'dead';
CREATE INDEX webhook_event_by_age ON webhook_event (created_at) WHERE state <> 'queued';
