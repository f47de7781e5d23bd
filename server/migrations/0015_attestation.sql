-- What the attestation of a device's approval key was found to say, and when it was looked at. Either it was believed,
-- and there is a level; or not, and there is a doubt: one of a list that grows, which the code has.
ALTER TABLE enrolment ADD COLUMN attested_at INTEGER;
ALTER TABLE enrolment ADD COLUMN attestation_doubt TEXT;
ALTER TABLE enrolment ADD COLUMN attestation_level TEXT
    CHECK (attestation_level IN ('trusted_environment', 'strong_box'));
ALTER TABLE enrolment ADD COLUMN attestation_boot TEXT CHECK (attestation_boot IN ('verified', 'self_signed'));
-- Whether the hardware itself asks the person for each signature.
ALTER TABLE enrolment ADD COLUMN attestation_gated INTEGER NOT NULL DEFAULT 0 CHECK (attestation_gated IN (0, 1));
