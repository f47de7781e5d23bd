-- What the page shows and the person types; NULL where YES is a tap.
ALTER TABLE challenge ADD COLUMN digits INTEGER CHECK (digits IN (2, 6));
ALTER TABLE challenge ADD COLUMN number TEXT;
ALTER TABLE challenge ADD COLUMN wrong_number INTEGER NOT NULL DEFAULT 0 CHECK (wrong_number IN (0, 1));

-- What a device was asked before another question came beside: a NO and a report of it count, and leave its receipt.
ALTER TABLE challenge_device ADD COLUMN earlier TEXT;
ALTER TABLE challenge ADD COLUMN earlier_certificate INTEGER REFERENCES signing_key;

-- What the phones were made to do when it was created: rung, or left alone and why.
ALTER TABLE challenge ADD COLUMN prompt TEXT NOT NULL DEFAULT 'pulled' CHECK (prompt IN ('pushed', 'pulled', 'limited', 'stopped'));

-- "This was not me", signed; the first one counts.
ALTER TABLE challenge ADD COLUMN report TEXT;
ALTER TABLE challenge ADD COLUMN reported_at INTEGER;
ALTER TABLE challenge ADD COLUMN reported_by INTEGER REFERENCES enrolment;

CREATE INDEX challenge_prompts ON challenge (account, created_at) WHERE prompt = 'pushed';

-- Since when nothing is pushed to this account, after a report.
ALTER TABLE account ADD COLUMN prompts_stopped_at INTEGER;

ALTER TABLE push ADD COLUMN kind TEXT NOT NULL DEFAULT 'challenge' CHECK (kind IN ('challenge', 'retraction'));
