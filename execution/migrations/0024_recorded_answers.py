"""What providers answered while an execution ran is stored with it, and never changes once it is done."""

from django.db import migrations, models

OUTCOME = "status,result,result_hash,trace,sources,warnings,provisional,problem,finished_at,duration_ms,digest"
"""What a running execution takes, of migration 0014."""


def takes(columns):
    return f"""
        DROP TRIGGER execution_execution_never_changes ON execution_execution;
        CREATE TRIGGER execution_execution_never_changes BEFORE UPDATE ON execution_execution FOR EACH ROW
            EXECUTE FUNCTION refuse_update('{{{columns}}}');
    """


class Migration(migrations.Migration):
    dependencies = [("execution", "0023_execution_orders")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="recorded",
            field=models.JSONField(
                default=dict, help_text="What providers answered while it ran, by step: replay reads it."
            ),
        ),
        migrations.RunSQL(takes(f"{OUTCOME},recorded"), takes(OUTCOME)),
    ]
