-- The way to a device: a push network, or one Web Push service. Each has a queue of its own, so that one that stalls holds
-- up no other.
ALTER TABLE enrolment ADD COLUMN push_lane TEXT;
ALTER TABLE push ADD COLUMN lane TEXT NOT NULL DEFAULT 'webpush';
UPDATE enrolment SET push_lane = 'webpush' WHERE push_registration IS NOT NULL;

DROP INDEX push_due;
CREATE INDEX push_due ON push (lane, due_at) WHERE state = 'queued';
CREATE INDEX push_by_device ON push (enrolment, row_id);
