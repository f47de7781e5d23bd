-- In which order a person keeps the codes of other services, and in which group, whose name is sealed as the links are:
-- it may tell as much.
ALTER TABLE foreign_code ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE foreign_code ADD COLUMN group_name BLOB;  -- sealed; NULL in none

UPDATE foreign_code SET position = (
    SELECT count(*) FROM foreign_code AS earlier
    WHERE (earlier.added_at, earlier.rowid) < (foreign_code.added_at, foreign_code.rowid)
);
