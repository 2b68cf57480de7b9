"""Of which partner a mail tells: an address does not say so, because anybody can enter anybody's. Rules keep to what
the privacy notice promises."""

ADD = "ALTER TABLE mail ADD COLUMN partner_id BIGINT REFERENCES partner (id)"
INDEX = "CREATE INDEX mail_partner_idx ON mail (partner_id, id)"
# what was written before: to members by their address, which is one of a kind, and to customers by their links
MEMBERS = """
UPDATE mail SET partner_id = (SELECT member.partner_id FROM member WHERE member.email = mail.recipient)
WHERE template NOT IN ('flow_down_link', 'flow_down_receipt')
AND EXISTS (SELECT 1 FROM member WHERE member.email = mail.recipient)"""
CUSTOMERS = """
UPDATE mail SET partner_id = (
    SELECT MIN(sub_account.partner_id) FROM flow_down_link
    JOIN sub_account ON sub_account.id = flow_down_link.sub_account_id WHERE flow_down_link.email = mail.recipient)
WHERE partner_id IS NULL AND template IN ('flow_down_link', 'flow_down_receipt') AND 1 = (
    SELECT COUNT(DISTINCT sub_account.partner_id) FROM flow_down_link
    JOIN sub_account ON sub_account.id = flow_down_link.sub_account_id WHERE flow_down_link.email = mail.recipient)"""

# rules that were set beyond what the privacy notice promises
PROMISED = (("access_ip_days", 30), ("mail_text_days", 90), ("refused_sign_up_days", 90), ("security_log_days", 366))
CAP = "UPDATE policy SET value = '{most}' WHERE name = '{name}' AND CAST(value AS INTEGER) > {most}"


def up(migrator, db):
    for statement in (ADD, INDEX, MEMBERS, CUSTOMERS):
        db.execute_sql(statement)
    for name, most in PROMISED:
        db.execute_sql(CAP.format(name=name, most=most))


def down(migrator, db):
    db.execute_sql("DROP INDEX mail_partner_idx")
    db.execute_sql("ALTER TABLE mail DROP COLUMN partner_id")
