"""An owner changes settings by the web, too; the base currency and the policy stay once the portfolio has a ledger."""

from django.db import migrations

OWNERS = "accrual, flow_timing, base_currency, policy_id"
STAY = """
CREATE FUNCTION refuse_change_of_what_is_booked_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM portfolio_ledgerrevision WHERE portfolio_id = OLD.id) THEN
        RAISE EXCEPTION 'portfolio %: the base currency and the pricing policy stay once there is a ledger', OLD.slug
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER portfolio_portfolio_stays BEFORE UPDATE ON portfolio_portfolio FOR EACH ROW
    WHEN (NEW.base_currency <> OLD.base_currency OR NEW.policy_id <> OLD.policy_id)
    EXECUTE FUNCTION refuse_change_of_what_is_booked_in();
"""
GO = """
DROP TRIGGER portfolio_portfolio_stays ON portfolio_portfolio;
DROP FUNCTION refuse_change_of_what_is_booked_in();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0005_lots_in_layers")]

    operations = [
        migrations.RunSQL(
            f"GRANT UPDATE ({OWNERS}) ON portfolio_portfolio TO app",
            f"REVOKE UPDATE ({OWNERS}) ON portfolio_portfolio FROM app",
        ),
        migrations.RunSQL(STAY, GO),
    ]
