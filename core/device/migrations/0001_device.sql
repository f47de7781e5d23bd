-- An enrolment that was started and whose answer has not been seen: the same redemption can be sent again.
CREATE TABLE enrolling (
    ticket_sha256 TEXT PRIMARY KEY,
    key_name      TEXT NOT NULL,
    request_key   BLOB,           -- sealed PKCS#8; NULL for a hardware key
    approval_key  BLOB,           -- sealed PKCS#8; NULL for a hardware key
    sealing_key   BLOB NOT NULL,  -- sealed
    transcript    TEXT NOT NULL,
    possession    TEXT NOT NULL
) STRICT;

CREATE TABLE enrolment (
    enrolment_id      TEXT PRIMARY KEY,
    server_url        TEXT NOT NULL,
    organisation      TEXT NOT NULL,
    account           TEXT NOT NULL,
    device_name       TEXT NOT NULL,
    confirmation_code TEXT,       -- shown while proposed; NULL once confirmed
    enrolled_at       INTEGER NOT NULL,
    key_name          TEXT NOT NULL,
    request_key       BLOB,
    approval_key      BLOB,
    ticket_sha256     TEXT NOT NULL UNIQUE  -- the link scanned again is this account, not a second device
) STRICT;

CREATE TABLE challenge (
    challenge_id TEXT PRIMARY KEY,
    enrolment_id TEXT NOT NULL REFERENCES enrolment ON DELETE CASCADE,
    compact      TEXT NOT NULL,   -- the exact bytes that were shown
    received_at  INTEGER NOT NULL,
    answer       TEXT CHECK (answer IN ('approve', 'deny')),
    decision     TEXT,            -- signed, kept until the server has answered
    outcome      TEXT CHECK (outcome IN ('approved', 'denied', 'already_answered', 'expired', 'cancelled')),
    finished_at  INTEGER
) STRICT;

CREATE INDEX challenge_by_time ON challenge (received_at);
