-- A role for the processes web and worker that can add to the trail and to the evidence, and not change or delete there.
-- Run it as the owner of the tables after each `portal.py init` (new tables need their grants):
--   psql "$OWNER_URL" -v role=portal_app -f deploy/postgres-role.sql
-- The role itself is made once, with a password: CREATE ROLE portal_app LOGIN PASSWORD '…';
GRANT USAGE ON SCHEMA public TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"role";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"role";
REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON audit_event, evidence, consent_event FROM :"role";
-- what tells of persons is erased by changing it, never by deleting the row
REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON audit_personal FROM :"role";
REVOKE UPDATE, TRUNCATE, REFERENCES, TRIGGER ON evidence_personal FROM :"role";
-- heads move on, and are never taken away
REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON audit_head, evidence_head FROM :"role";
-- the list of migrations is the owner's business
REVOKE INSERT, UPDATE, DELETE ON schema_migration FROM :"role";
