-- A wider set of answers and outcomes: SQLite changes a CHECK only by making the table anew.
CREATE TABLE challenge_with_report (
    challenge_id TEXT PRIMARY KEY,
    enrolment_id TEXT NOT NULL REFERENCES enrolment ON DELETE CASCADE,
    compact      TEXT NOT NULL,   -- the exact bytes that were shown
    received_at  INTEGER NOT NULL,
    answer       TEXT CHECK (answer IN ('approve', 'deny', 'report')),
    decision     TEXT,            -- signed, kept until the server has answered
    outcome      TEXT CHECK (outcome IN ('approved', 'denied', 'reported', 'wrong_number', 'already_answered', 'answered_by_code', 'expired', 'cancelled')),
    finished_at  INTEGER
) STRICT;

INSERT INTO challenge_with_report SELECT challenge_id, enrolment_id, compact, received_at, answer, decision, outcome, finished_at FROM challenge;
DROP TABLE challenge;
ALTER TABLE challenge_with_report RENAME TO challenge;
CREATE INDEX challenge_by_time ON challenge (received_at);

-- What every pull and every look at the screen asks for: without it, both would read the whole history.
CREATE INDEX challenge_unfinished ON challenge (received_at)
    WHERE outcome IS NULL OR (answer = 'report' AND outcome <> 'reported');

-- Retractions that came before their challenge, which then is never shown.
CREATE TABLE retraction (
    challenge_id TEXT PRIMARY KEY,
    enrolment_id TEXT NOT NULL REFERENCES enrolment ON DELETE CASCADE,
    outcome      TEXT NOT NULL,
    came_at      INTEGER NOT NULL
) STRICT;

-- Why an account is over, by its server's signed word; the account stays until the person has read it.
ALTER TABLE enrolment ADD COLUMN ended_reason TEXT;
