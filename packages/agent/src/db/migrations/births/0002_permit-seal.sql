-- Permits are sealed when they are issued, and can be revoked.
-- breaking: false
-- A permit without a seal admits nothing: whoever can write this table still cannot make one, or change what one admits.

ALTER TABLE birth_permit ADD COLUMN seal TEXT;
ALTER TABLE birth_permit ADD COLUMN revoked_at TEXT;
ALTER TABLE birth_permit ADD COLUMN revoked_by TEXT;
ALTER TABLE birth_permit ADD COLUMN revoke_reason TEXT;
