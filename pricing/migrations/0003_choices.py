"""The policy that the demo's rates are, and which series stands for a factor; staff may edit the latter."""

from datetime import time

from django.db import migrations

POLICIES = (
    # The central banks' concertation was at 14:15 Frankfurt time in the years that the archives cover (ECB, "Euro foreign
    # exchange reference rates").
    {"code": "ECB_EUR", "fixing": "ECB", "pivot": "EUR", "fix_time": time(14, 15), "fix_timezone": "Europe/Berlin"},
)

FACTORS = (
    # factor, rank, series, minus trailing, change, degraded by
    ("real_rate", 1, "DFII10", "", "difference", ""),
    ("real_rate", 2, "DGS10", "CPIAUCSL", "difference", "nominal_rate"),
    ("real_rate", 3, "UST10Y", "CUSR0000SA0", "difference", "nominal_rate"),
    ("inflation", 1, "T10YIE", "", "difference", ""),
    ("credit", 1, "BAMLC0A0CM", "", "difference", ""),
    ("credit", 2, "BAA10Y", "", "difference", "baa_spread"),
    ("usd", 1, "DTWEXBGS", "", "return", ""),
    ("usd", 2, "fx_basket", "", "return", "fx_basket"),
    ("equity", 1, "SP500", "", "return", ""),
)


def choose(apps, schema_editor):
    for policy in POLICIES:
        apps.get_model("pricing", "PricingPolicy").objects.create(**policy)
    model = apps.get_model("pricing", "FactorSeries")
    for factor, rank, series, minus, change, degraded in FACTORS:
        model.objects.create(
            factor=factor, rank=rank, series_id=series, minus_trailing=minus, change=change, degraded=degraded
        )


def forget(apps, schema_editor):
    apps.get_model("pricing", "FactorSeries").objects.all().delete()
    apps.get_model("pricing", "PricingPolicy").objects.filter(code__in=[each["code"] for each in POLICIES]).delete()


class Migration(migrations.Migration):
    dependencies = [("pricing", "0002_sealed")]

    operations = [migrations.RunPython(choose, forget)]
