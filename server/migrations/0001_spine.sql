-- Row keys are SQLite's own, so that rows are written in the order of time. Handles are 128 random bits and are the
-- only names that leave the server. Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL           -- sealed where it is secret
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    sequence    INTEGER PRIMARY KEY,
    private_key BLOB NOT NULL,    -- sealed
    certificate TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE organisation (
    row_id     INTEGER PRIMARY KEY,
    handle     TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE relying_party (
    row_id       INTEGER PRIMARY KEY,
    handle       TEXT NOT NULL UNIQUE,
    organisation INTEGER NOT NULL REFERENCES organisation,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    UNIQUE (organisation, name)
) STRICT;

CREATE TABLE api_key (
    sha256        BLOB PRIMARY KEY,
    relying_party INTEGER NOT NULL REFERENCES relying_party,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    row_id       INTEGER PRIMARY KEY,
    handle       TEXT NOT NULL UNIQUE,
    organisation INTEGER NOT NULL REFERENCES organisation,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (organisation, name)
) STRICT;

CREATE TABLE enrolment (
    row_id            INTEGER PRIMARY KEY,
    handle            TEXT NOT NULL UNIQUE,
    account           INTEGER NOT NULL REFERENCES account,
    state             TEXT NOT NULL CHECK (state IN ('open', 'proposed', 'confirmed', 'void')),
    void_reason       TEXT CHECK (void_reason IN ('redeemed_twice', 'wrong_code', 'revoked')),
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    ticket_sha256     BLOB NOT NULL UNIQUE,
    transcript_sha256 TEXT,
    statement         TEXT,
    certificate       INTEGER REFERENCES signing_key,  -- of the key that signed the statement
    confirmation_code TEXT,
    wrong_codes       INTEGER NOT NULL DEFAULT 0,
    device_name       TEXT,
    request_key_id    TEXT UNIQUE,
    request_key       BLOB,
    approval_key      BLOB,
    sealing_key       BLOB,
    proposed_at       INTEGER,
    confirmed_at      INTEGER,
    voided_at         INTEGER,
    push_registration BLOB,       -- sealed: an endpoint is a capability
    push_registered_at INTEGER,
    CHECK (state = 'open' OR state = 'void' OR request_key IS NOT NULL)
) STRICT;

-- No key serves two enrolments: a decision's key must name one device.
CREATE UNIQUE INDEX enrolment_by_request_key ON enrolment (request_key);
CREATE UNIQUE INDEX enrolment_by_approval_key ON enrolment (approval_key);
CREATE INDEX enrolment_by_account ON enrolment (account, state);

CREATE TABLE challenge (
    row_id          INTEGER PRIMARY KEY,
    handle          TEXT NOT NULL UNIQUE,
    relying_party   INTEGER NOT NULL REFERENCES relying_party,
    account         INTEGER NOT NULL REFERENCES account,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'reported', 'cancelled', 'claimed', 'revoked')),
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    certificate     INTEGER NOT NULL REFERENCES signing_key,
    idempotency_key TEXT,
    request_sha256  TEXT NOT NULL,
    settled_at      INTEGER,
    settled_by      INTEGER REFERENCES enrolment,
    decision        TEXT,
    claim_key       TEXT,
    claimed_at      INTEGER,
    UNIQUE (relying_party, idempotency_key)
) STRICT;

CREATE INDEX challenge_pending ON challenge (account, expires_at) WHERE state = 'pending';

CREATE INDEX challenge_unclaimed ON challenge (settled_by) WHERE state = 'approved';

-- What each device was asked: one signed challenge a device.
CREATE TABLE challenge_device (
    challenge INTEGER NOT NULL REFERENCES challenge,
    enrolment INTEGER NOT NULL REFERENCES enrolment,
    compact   TEXT NOT NULL,
    PRIMARY KEY (challenge, enrolment)
) STRICT, WITHOUT ROWID;

CREATE TABLE push (
    row_id     INTEGER PRIMARY KEY,
    challenge  INTEGER NOT NULL REFERENCES challenge,
    enrolment  INTEGER NOT NULL REFERENCES enrolment,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'gone', 'failed', 'dropped')),
    reason     TEXT,
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX push_due ON push (due_at) WHERE state = 'queued';
CREATE INDEX push_by_challenge ON push (challenge);

-- Request proofs that were accepted, until they would be refused for their age anyway.
CREATE TABLE accepted_proof (
    enrolment  INTEGER NOT NULL REFERENCES enrolment,
    jti        TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (enrolment, jti)
) STRICT, WITHOUT ROWID;

CREATE INDEX accepted_proof_by_age ON accepted_proof (expires_at);
