-- What makes one-time codes for an account: a phone of ours, or any other OTP application.
CREATE TABLE code_authenticator (
    row_id     INTEGER PRIMARY KEY,
    handle     TEXT NOT NULL UNIQUE,
    account    INTEGER NOT NULL REFERENCES account,
    enrolment  INTEGER UNIQUE REFERENCES enrolment,  -- the phone, whose codes count while this is confirmed; else NULL
    name       TEXT NOT NULL,
    secret     BLOB NOT NULL,     -- sealed; empty once void
    algorithm  TEXT NOT NULL,
    digits     INTEGER NOT NULL,
    period     INTEGER NOT NULL,  -- seconds
    state      TEXT NOT NULL CHECK (state IN ('proposed', 'confirmed', 'void')),
    created_at INTEGER NOT NULL,
    last_step  INTEGER,           -- the last accepted step of RFC 6238: no code up to it is accepted
    failures   INTEGER NOT NULL DEFAULT 0,  -- attempts since the last right code, counted before they are compared
    not_before INTEGER,           -- the end of the back-off
    locked_at  INTEGER
) STRICT;

CREATE INDEX code_authenticator_by_account ON code_authenticator (account, state);

-- How a challenge may be answered, and how it was.
ALTER TABLE challenge ADD COLUMN methods TEXT NOT NULL DEFAULT 'push code' CHECK (methods IN ('push', 'code', 'push code'));
ALTER TABLE challenge ADD COLUMN settled_method TEXT CHECK (settled_method IN ('push', 'code'));
ALTER TABLE challenge ADD COLUMN settled_code INTEGER REFERENCES code_authenticator;

CREATE INDEX challenge_unclaimed_by_code ON challenge (settled_code) WHERE state = 'approved' AND settled_code IS NOT NULL;
