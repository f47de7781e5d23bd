-- Where a device is reached: up to four places, each with pushes of its own. Row keys are never used twice: a push outlives
-- the registration that it went to.
CREATE TABLE push_registration (
    row_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    enrolment     INTEGER NOT NULL REFERENCES enrolment,
    sealed        BLOB,                             -- an endpoint is a capability; NULL once its network does not know it
    lane          TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    vapid_key     INTEGER REFERENCES vapid_key      -- the key that a Web Push subscription was made with; else NULL
) STRICT;

CREATE INDEX push_registration_by_device ON push_registration (enrolment);
CREATE INDEX push_registration_by_key ON push_registration (vapid_key) WHERE vapid_key IS NOT NULL;

-- The last one names the server to push services; the earlier ones only for the subscriptions that were made with them.
CREATE TABLE vapid_key (
    sequence    INTEGER PRIMARY KEY,
    public_key  TEXT NOT NULL UNIQUE,
    private_key BLOB NOT NULL,                      -- sealed
    created_at  INTEGER NOT NULL
) STRICT;

INSERT INTO push_registration (enrolment, sealed, lane, registered_at)
SELECT row_id, push_registration, coalesce(push_lane, ''), push_registered_at FROM enrolment
WHERE push_registered_at IS NOT NULL AND state <> 'void';

ALTER TABLE push ADD COLUMN registration INTEGER;
UPDATE push SET registration = (SELECT r.row_id FROM push_registration r WHERE r.enrolment = push.enrolment);

ALTER TABLE enrolment DROP COLUMN push_registration;
ALTER TABLE enrolment DROP COLUMN push_registered_at;
ALTER TABLE enrolment DROP COLUMN push_lane;
