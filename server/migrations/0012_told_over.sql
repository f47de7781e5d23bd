-- When somebody was first told that the time of this challenge, or of the approval of it, was over: it stays over,
-- whatever the clock says later.
ALTER TABLE challenge ADD COLUMN told_over_at INTEGER;
