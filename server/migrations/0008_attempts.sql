-- The relying party's own name for one attempt to sign in, where it gave one: a creation that is sent again while its
-- challenge can still lead to a sign-in finds that challenge by it.
ALTER TABLE challenge ADD COLUMN attempt TEXT;

CREATE INDEX challenge_attempt ON challenge (relying_party, account, attempt) WHERE attempt IS NOT NULL;
