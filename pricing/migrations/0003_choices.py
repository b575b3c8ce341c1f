"""The policy that the demo's rates are, and which series stands for a factor; staff may edit the latter."""

from django.db import migrations

POLICIES = (
    # The central banks' concertation was at 14:15 Frankfurt time in the years that the archives cover (ECB, "Euro foreign
    # exchange reference rates").
    # code, fixing, pivot, local time of the fixing, its timezone, sessions and fixings after which a value is stale
    ("ECB_EUR", "ECB", "EUR", "14:15", "Europe/Berlin", 5, 5),
)
ADD_POLICY = """
    INSERT INTO pricing_pricingpolicy
        (code, fixing, pivot, fix_time, fix_timezone, max_stale_sessions, max_stale_fixings)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

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
    # Where the packs hold no equity index, the portfolio's own benchmark stands for the equity market.
    ("equity", 2, "benchmark", "", "return", "benchmark"),
)
ADD_FACTOR = """
    INSERT INTO pricing_factorseries (factor, rank, series_id, minus_trailing, change, degraded)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


class Migration(migrations.Migration):
    dependencies = [("pricing", "0002_sealed")]

    operations = [
        migrations.RunSQL(
            [(ADD_POLICY, policy) for policy in POLICIES],
            [("DELETE FROM pricing_pricingpolicy WHERE code = %s", policy[:1]) for policy in POLICIES],
        ),
        migrations.RunSQL([(ADD_FACTOR, factor) for factor in FACTORS], "DELETE FROM pricing_factorseries"),
    ]
