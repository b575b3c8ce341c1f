"""Access is given by a portfolio's owner, for a time, and taken back; staff open it for a reason, and the owner sees that.

A policy of the access can't ask the portfolios, whose policy asks the access: that would go round in a circle. So a row of it names
the owner of its portfolio, and a reference over both columns holds the two together. Staff see no portfolio that they have not
opened yet: a function of the owner of the tables opens it, and inside it alone that owner sees rows.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.guards import ASKING

ACCESS, PORTFOLIO = "portfolio_portfolioaccess", "portfolio_portfolio"
OWN = f"owner_id = {ASKING}"
OPENING = "current_setting('app.opens_to_staff', true) = 'on'"
MAY_OPEN = f"""
    SELECT FROM auth_user AS asking WHERE asking.id = {ASKING} AND asking.is_active AND asking.is_staff AND (
        asking.is_superuser
        OR EXISTS (
            SELECT FROM auth_permission AS permission
            LEFT JOIN auth_user_user_permissions AS own ON own.permission_id = permission.id AND own.user_id = asking.id
            LEFT JOIN auth_group_permissions AS given ON given.permission_id = permission.id
            LEFT JOIN auth_user_groups AS member ON member.group_id = given.group_id AND member.user_id = asking.id
            WHERE permission.codename = 'add_portfolioaccess' AND (own.id IS NOT NULL OR member.id IS NOT NULL)
        )
    )
"""


def seen(table, condition):
    """What `app` sees and writes of a table, in the words of a policy."""
    return f"DROP POLICY {table}_app ON {table}; CREATE POLICY {table}_app ON {table} TO app {condition};"


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0007_foreign_keys"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField(
            "portfolioaccess",
            "role",
            models.CharField(
                choices=[
                    ("viewer", "looks"),
                    ("adviser", "looks, and takes results out as files"),
                    ("staff", "looks, of the staff, for a reason"),
                ],
                db_default="adviser",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            "portfolioaccess",
            "role",
            models.CharField(
                choices=[
                    ("viewer", "looks"),
                    ("adviser", "looks, and takes results out as files"),
                    ("staff", "looks, of the staff, for a reason"),
                ],
                db_default="viewer",
                max_length=8,
            ),
        ),
        migrations.AddField(
            "portfolioaccess",
            "until",
            models.DateTimeField(help_text="Empty: until it is taken back.", null=True),
        ),
        migrations.AddField(
            "portfolioaccess",
            "granted_by",
            models.ForeignKey(
                help_text="Empty: a command.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("portfolioaccess", "reason", models.CharField(blank=True, db_default="", max_length=400)),
        migrations.AddConstraint(
            "portfolioaccess",
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "adviser", "staff"]), name="portfolio_access_role_known"
            ),
        ),
        migrations.AddConstraint(
            "portfolioaccess",
            models.CheckConstraint(
                condition=~models.Q(role="staff")
                | models.Q(until__isnull=False, granted_by__isnull=False) & ~models.Q(reason=""),
                name="portfolio_access_of_staff_says_why",
            ),
        ),
        migrations.AddField(
            "portfolioaccess",
            "owner",
            models.ForeignKey(
                editable=False,
                help_text="As the portfolio names it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(
            f"""
            ALTER TABLE {PORTFOLIO} NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE {ACCESS} NO FORCE ROW LEVEL SECURITY;
            UPDATE {ACCESS} SET owner_id = (SELECT owner_id FROM {PORTFOLIO} AS portfolio WHERE portfolio.id = portfolio_id);
            ALTER TABLE {ACCESS} FORCE ROW LEVEL SECURITY;
            ALTER TABLE {PORTFOLIO} FORCE ROW LEVEL SECURITY;
            SET CONSTRAINTS ALL IMMEDIATE;
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            "portfolioaccess",
            "owner",
            models.ForeignKey(
                editable=False,
                help_text="As the portfolio names it.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(
            f"""
            ALTER TABLE {PORTFOLIO} ADD CONSTRAINT portfolio_with_its_owner UNIQUE (id, owner_id);
            ALTER TABLE {ACCESS} ADD CONSTRAINT portfolio_access_names_the_owner
                FOREIGN KEY (portfolio_id, owner_id) REFERENCES {PORTFOLIO} (id, owner_id) ON UPDATE CASCADE;
            CREATE FUNCTION name_the_owner() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                NEW.owner_id := (SELECT owner_id FROM {PORTFOLIO} WHERE id = NEW.portfolio_id);
                RETURN NEW;
            END $$;
            CREATE TRIGGER {ACCESS}_names_the_owner BEFORE INSERT ON {ACCESS}
                FOR EACH ROW EXECUTE FUNCTION name_the_owner();
            """,
            f"""
            DROP TRIGGER {ACCESS}_names_the_owner ON {ACCESS};
            DROP FUNCTION name_the_owner();
            ALTER TABLE {ACCESS} DROP CONSTRAINT portfolio_access_names_the_owner;
            ALTER TABLE {PORTFOLIO} DROP CONSTRAINT portfolio_with_its_owner;
            """,
        ),
        migrations.RunSQL(
            f"""
            CREATE POLICY {PORTFOLIO}_opened ON {PORTFOLIO} FOR SELECT TO CURRENT_USER USING ({OPENING});
            CREATE POLICY {ACCESS}_opened ON {ACCESS} TO CURRENT_USER USING ({OPENING}) WITH CHECK ({OPENING});
            CREATE FUNCTION open_to_staff(called text, ends timestamptz, why text, OUT opened uuid)
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
            BEGIN
                IF NOT EXISTS ({MAY_OPEN}) THEN
                    RAISE EXCEPTION 'this user may not open a portfolio' USING ERRCODE = 'insufficient_privilege';
                END IF;
                PERFORM set_config('app.opens_to_staff', 'on', true);
                SELECT id INTO opened FROM {PORTFOLIO} WHERE slug = called;
                IF opened IS NOT NULL THEN
                    INSERT INTO {ACCESS} (portfolio_id, user_id, role, until, granted_by_id, granted_at, reason)
                    VALUES (opened, {ASKING}, 'staff', ends, {ASKING}, now(), why)
                    ON CONFLICT (portfolio_id, user_id) DO UPDATE SET role = 'staff', until = excluded.until,
                        granted_by_id = excluded.granted_by_id, granted_at = excluded.granted_at, reason = excluded.reason
                    WHERE {ACCESS}.role = 'staff' OR {ACCESS}.until < now();
                END IF;
                PERFORM set_config('app.opens_to_staff', '', true);
            END $$;
            REVOKE ALL ON FUNCTION open_to_staff(text, timestamptz, text) FROM PUBLIC;
            GRANT EXECUTE ON FUNCTION open_to_staff(text, timestamptz, text) TO app;
            {
                seen(
                    PORTFOLIO,
                    f"USING ({OWN} OR id IN (SELECT portfolio_id FROM {ACCESS} WHERE user_id = {ASKING}"
                    f" AND (until IS NULL OR until > now()))) WITH CHECK ({OWN})",
                )
            }
            {
                seen(
                    ACCESS,
                    f"USING (user_id = {ASKING} OR {OWN}) WITH CHECK ({OWN}"
                    f" AND granted_by_id = {ASKING} AND user_id <> {ASKING} AND role <> 'staff')",
                )
            }
            """,
            f"""
            {seen(ACCESS, f"USING (user_id = {ASKING}) WITH CHECK (false)")}
            {
                seen(
                    PORTFOLIO,
                    f"USING ({OWN} OR id IN (SELECT portfolio_id FROM {ACCESS} WHERE user_id = {ASKING})) WITH CHECK ({OWN})",
                )
            }
            DROP FUNCTION open_to_staff(text, timestamptz, text);
            DROP POLICY {ACCESS}_opened ON {ACCESS};
            DROP POLICY {PORTFOLIO}_opened ON {PORTFOLIO};
            """,
        ),
        migrations.RunSQL(
            f"GRANT INSERT, DELETE, UPDATE (role, until, granted_by_id, granted_at, reason) ON {ACCESS} TO app",
            f"REVOKE INSERT, DELETE ON {ACCESS} FROM app;"
            f"REVOKE UPDATE (role, until, granted_by_id, granted_at, reason) ON {ACCESS} FROM app",
        ),
    ]
