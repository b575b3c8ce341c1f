"""The draft of the rights and its licences are audited by their columns of now, and so are the versions that decide."""

from django.db import migrations

from config.guards import audited

TABLE = "compliance_datasource"
BEFORE = audited(
    TABLE,
    key="code",
    columns=("code", "name", "attribution", "terms", "display", "export_csv", "export_pdf", "redistribute"),
)
USES = ("display", "csv", "json", "xlsx", "pdf", "redistribute", "agent")


class Migration(migrations.Migration):
    dependencies = [("compliance", "0005_rights_table"), ("execution", "0015_audited_second_factor")]

    operations = [
        migrations.RunSQL(BEFORE.reverse_sql, BEFORE.sql),
        audited(
            TABLE,
            key="code",
            columns=("code", "name", "terms", "attribution", "placement", "link", "watermark", *USES),
        ),
        audited(
            "compliance_licence",
            columns=("id", "source_id", "tier", "uses", "environment", "valid_from", "valid_to", "document"),
        ),
        audited(
            "compliance_rightsversion",
            columns=(
                "id", "digest", "based_on_id", "takes_back_to_id", "reason", "proposed_by", "made_at", "published_by",
                "published_at",
            ),
            hashed=("table",),
        ),
    ]  # fmt: skip
