-- What is old is found and removed without reading what is young, and what a removed row leaves behind is looked for by
-- an index: without one, SQLite reads the whole table of each foreign key for each row that goes.
CREATE INDEX api_key_by_relying_party ON api_key (relying_party);

CREATE INDEX enrolment_by_age ON enrolment (state, expires_at) WHERE state <> 'confirmed';
CREATE INDEX enrolment_by_certificate ON enrolment (certificate) WHERE certificate IS NOT NULL;

-- Each of the first three, and two of those on events, take the place of a narrower one, so that a login writes to few
-- more indices than before.
DROP INDEX challenge_prompts;
DROP INDEX challenge_unclaimed;
DROP INDEX challenge_unclaimed_by_code;
DROP INDEX webhook_event_in_order;
DROP INDEX webhook_event_dead;
CREATE INDEX challenge_by_account ON challenge (account, created_at);
CREATE INDEX challenge_by_device ON challenge (settled_by, state) WHERE settled_by IS NOT NULL;
CREATE INDEX challenge_by_authenticator ON challenge (settled_code, state) WHERE settled_code IS NOT NULL;
CREATE INDEX challenge_by_age ON challenge (created_at);
CREATE INDEX challenge_by_reporter ON challenge (reported_by) WHERE reported_by IS NOT NULL;
CREATE INDEX challenge_by_certificate ON challenge (certificate);
CREATE INDEX challenge_by_earlier_key ON challenge (earlier_certificate) WHERE earlier_certificate IS NOT NULL;
CREATE INDEX challenge_repeatable ON challenge (created_at)
    WHERE idempotency_key IS NOT NULL OR claim_key IS NOT NULL;
CREATE INDEX challenge_device_by_device ON challenge_device (enrolment);

CREATE INDEX push_by_age ON push (expires_at) WHERE state <> 'queued';

CREATE INDEX webhook_event_in_order ON webhook_event (challenge, row_id);
CREATE INDEX webhook_event_by_receiver ON webhook_event (relying_party, state, row_id);
CREATE INDEX webhook_event_by_line ON webhook_event (journal);

CREATE INDEX code_authenticator_by_age ON code_authenticator (created_at) WHERE state <> 'confirmed';

-- How far removal by age has come.
CREATE TABLE retention (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    believed_at    INTEGER,            -- up to when the clock is believed; NULL until it was looked at once
    journal_cut_at INTEGER NOT NULL    -- the last line of the journal that was removed; 0 before the first
) STRICT;

INSERT INTO retention VALUES (1, NULL, 0);

-- Lines are removed from the old end of the journal alone, and the number up to which they are only ever grows.
DROP TRIGGER journal_is_not_shortened;
CREATE TRIGGER journal_is_not_shortened BEFORE DELETE ON journal
WHEN OLD.row_id > (SELECT journal_cut_at FROM retention)
BEGIN SELECT RAISE(ABORT, 'a line of the journal is removed only with all that are older'); END;
CREATE TRIGGER journal_cut_is_not_taken_back BEFORE UPDATE OF journal_cut_at ON retention
WHEN NEW.journal_cut_at < OLD.journal_cut_at
BEGIN SELECT RAISE(ABORT, 'what was removed from the journal stays removed'); END;
CREATE TRIGGER retention_is_not_forgotten BEFORE DELETE ON retention
BEGIN SELECT RAISE(ABORT, 'how far the journal was removed is not forgotten'); END;
