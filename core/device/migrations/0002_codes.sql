-- What the account's one-time codes are made of, sealed; NULL where the server gave none.
ALTER TABLE enrolment ADD COLUMN code_seed BLOB;
