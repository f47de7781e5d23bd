-- When a device was last heard of, to the hour: whoever looks after people sees which phone is not used any more.
ALTER TABLE enrolment ADD COLUMN last_contact_at INTEGER;

-- Since when a person is deleted. The row stays as long as receipts and ended devices refer to it, without the name.
ALTER TABLE account ADD COLUMN deleted_at INTEGER;

CREATE INDEX account_by_deletion ON account (deleted_at) WHERE deleted_at IS NOT NULL;
