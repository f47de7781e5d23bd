-- Which steps of RFC 6238 an authenticator has used, each by itself: last_step alone does not know which were used once
-- it is put back after a wrong clock of the server. What was told of before its time (hinted) is of no use at it.
CREATE TABLE used_step (
    authenticator INTEGER NOT NULL REFERENCES code_authenticator,
    step          INTEGER NOT NULL,
    use           TEXT NOT NULL CHECK (use IN ('accepted', 'hinted')),
    PRIMARY KEY (authenticator, step)
) STRICT;

INSERT INTO used_step (authenticator, step, use)
SELECT row_id, last_step, 'accepted' FROM code_authenticator WHERE last_step IS NOT NULL;

-- How many seconds the authenticator's clock is ahead of the server's, as its codes have shown.
ALTER TABLE code_authenticator ADD COLUMN drift INTEGER NOT NULL DEFAULT 0;

-- The last_step, far ahead of the time, of which the operator was told that it stands in the way of right codes.
ALTER TABLE code_authenticator ADD COLUMN told_step INTEGER;
