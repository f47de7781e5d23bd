-- A move: one person's new phone takes over from the old one. The old one goes on until the moment of the switch, and
-- from then on the new one does; there is no moment with none, and none with two.
CREATE TABLE move (
    row_id        INTEGER PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    relying_party INTEGER REFERENCES relying_party,           -- who made it; NULL for the operator's
    account       INTEGER NOT NULL REFERENCES account,
    old_device    INTEGER NOT NULL REFERENCES enrolment,
    new_device    INTEGER REFERENCES enrolment,               -- of the latest offer
    state         TEXT NOT NULL CHECK (state IN ('armed', 'offered', 'rehearsing', 'switched',
                                                 'refused', 'expired', 'cancelled', 'reported')),
    proof         TEXT CHECK (proof IN ('old_phone', 'code', 'backup_code', 'opening_code')),  -- the second half; NULL until it came
    proven_at     INTEGER,                                    -- when it came; it serves for ten minutes
    reason        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    valid_from    INTEGER NOT NULL,
    valid_until   INTEGER NOT NULL,
    ended_at      INTEGER,                                    -- switched, or over
    -- What the operator gives the person in the place of the old phone: six digits, sealed. NULL when none is good.
    opening_code          BLOB,
    opening_code_given_at INTEGER,
    opening_code_failures INTEGER NOT NULL DEFAULT 0,
    idempotency_key       TEXT                                -- of the line of a file; the same one makes no second move
) STRICT;

CREATE UNIQUE INDEX move_living ON move (account) WHERE state IN ('armed', 'offered', 'rehearsing');
CREATE INDEX move_by_account ON move (account);
CREATE UNIQUE INDEX move_once ON move (account, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX move_by_relying_party ON move (relying_party) WHERE relying_party IS NOT NULL;
CREATE INDEX move_by_old_device ON move (old_device);
CREATE INDEX move_by_new_device ON move (new_device) WHERE new_device IS NOT NULL;
CREATE INDEX move_by_age ON move (ended_at) WHERE ended_at IS NOT NULL;

-- The questions of a move: whether another phone may take over, and whether the new one works. Nobody claims them.
ALTER TABLE challenge ADD COLUMN move INTEGER REFERENCES move;
ALTER TABLE challenge ADD COLUMN purpose TEXT CHECK (purpose IN ('move', 'rehearsal'));
CREATE INDEX challenge_by_move ON challenge (move) WHERE move IS NOT NULL;

-- One more reason for which a phone is over.
ALTER TABLE enrolment ADD COLUMN end_reason TEXT
    CHECK (end_reason IN ('redeemed_twice', 'wrong_code', 'revoked', 'moved'));
UPDATE enrolment SET end_reason = void_reason;
ALTER TABLE enrolment DROP COLUMN void_reason;
ALTER TABLE enrolment RENAME COLUMN end_reason TO void_reason;
