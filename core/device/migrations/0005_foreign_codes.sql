-- The codes of other services, as otpauth links. Their names are sealed with their secrets: which services a person
-- uses is nobody's business.
CREATE TABLE foreign_code (
    code_id  TEXT PRIMARY KEY,
    link     BLOB NOT NULL,    -- sealed
    added_at INTEGER NOT NULL
) STRICT;
