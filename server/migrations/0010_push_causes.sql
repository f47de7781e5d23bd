-- Why a push was not taken, in the word that its device is told. The sentence beside it is for the relying party.
ALTER TABLE push ADD COLUMN cause TEXT
    CHECK (cause IN ('unreachable', 'not_now', 'refused', 'gone', 'wrong_project', 'misconfigured', 'other'));

-- The place without saying where it is: a keyed digest of the endpoint or token. NULL until the server has opened a
-- registration from before there were digests.
ALTER TABLE push_registration ADD COLUMN place BLOB;
-- The newer enrolment of the same account that has this place now; nothing is sent through this row then.
ALTER TABLE push_registration ADD COLUMN moved_to INTEGER REFERENCES enrolment;
-- Since when the place takes pushes; when one last failed there, if none was taken since; how many in a row it did not
-- take at that moment; and until when its network asked to be left alone.
ALTER TABLE push_registration ADD COLUMN worked_at INTEGER;
ALTER TABLE push_registration ADD COLUMN failed_at INTEGER;
ALTER TABLE push_registration ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE push_registration ADD COLUMN rests_until INTEGER;

CREATE INDEX push_registration_by_place ON push_registration (place) WHERE place IS NOT NULL;
CREATE INDEX push_registration_by_move ON push_registration (moved_to) WHERE moved_to IS NOT NULL;
