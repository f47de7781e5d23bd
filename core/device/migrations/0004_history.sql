-- The history is removed from its old end without reading the requests themselves, and an account without reading it
-- all.
CREATE INDEX challenge_finished ON challenge (received_at, outcome, answer)
    WHERE outcome IS NOT NULL AND (answer IS NOT 'report' OR outcome = 'reported');
CREATE INDEX challenge_by_enrolment ON challenge (enrolment_id);
CREATE INDEX retraction_by_enrolment ON retraction (enrolment_id);
