-- Backup codes: ten a set (look-up secrets, NIST SP 800-63B-4, section 3.1.2). A set is an authenticator beside those of
-- RFC 6238, with the same failures, pauses and locks; it has no secret, and its codes are in a table of their own.
ALTER TABLE code_authenticator ADD COLUMN kind TEXT NOT NULL DEFAULT 'totp' CHECK (kind IN ('totp', 'backup_codes'));

CREATE UNIQUE INDEX code_authenticator_backup_codes ON code_authenticator (account)
    WHERE kind = 'backup_codes' AND state = 'confirmed';

CREATE TABLE backup_code (
    authenticator INTEGER NOT NULL REFERENCES code_authenticator,
    number        INTEGER NOT NULL,  -- the first digit of the code, by which it is found
    hash          BLOB NOT NULL,     -- argon2id with its salt and cost, sealed
    used_at       INTEGER,
    PRIMARY KEY (authenticator, number)
) STRICT;

-- The set of methods is open from here on, so no CHECK lists what can be in it.
ALTER TABLE challenge ADD COLUMN open_methods TEXT NOT NULL DEFAULT 'push code' CHECK (open_methods <> '');
UPDATE challenge SET open_methods = methods;
ALTER TABLE challenge DROP COLUMN methods;
ALTER TABLE challenge RENAME COLUMN open_methods TO methods;

ALTER TABLE challenge ADD COLUMN method_of_answer TEXT CHECK (method_of_answer IN ('push', 'code', 'backup_code'));
UPDATE challenge SET method_of_answer = settled_method;
ALTER TABLE challenge DROP COLUMN settled_method;
ALTER TABLE challenge RENAME COLUMN method_of_answer TO settled_method;
