-- Where somebody called from is personal data, and goes before the line does that it stands in. Nothing else of a line is
-- ever changed, and no address is put where one was or was not.
DROP TRIGGER journal_is_not_changed;
CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
WHEN NEW.address IS NOT NULL OR NEW.row_id IS NOT OLD.row_id OR NEW.at IS NOT OLD.at
    OR NEW.actor_kind IS NOT OLD.actor_kind OR NEW.actor IS NOT OLD.actor OR NEW.fact IS NOT OLD.fact
    OR NEW.organisation IS NOT OLD.organisation OR NEW.relying_party IS NOT OLD.relying_party
    OR NEW.account IS NOT OLD.account OR NEW.device IS NOT OLD.device OR NEW.challenge IS NOT OLD.challenge
    OR NEW.authenticator IS NOT OLD.authenticator OR NEW.reason IS NOT OLD.reason OR NEW.detail IS NOT OLD.detail
BEGIN SELECT RAISE(ABORT, 'a line of the journal is never changed'); END;

-- The last line whose address was taken away; 0 before the first.
ALTER TABLE retention ADD COLUMN addresses_cut_at INTEGER NOT NULL DEFAULT 0;
