"""The pages of the admin by what staff are about to do, and what each list says while it is empty."""

from typing import Final

OWN = "Yours, and those that were opened to you, stand here: there are none."
"""Of rows that the database shows to who may see their portfolio."""

TASKS: Final[dict[str, dict[str, str]]] = {
    "Rights and licences": {
        "compliance.datasource": "No source is known yet: loading market data or `load_rights` enters them.",
        "compliance.licence": "This installation holds none: sources are used by their public terms alone.",
        "compliance.rightsversion": "No version decides, so every use is denied: review and publish the draft of a source.",
        "compliance.rightsdecision": "Nothing was taken or refused yet. The database shows it to who may view decisions.",
    },
    "Packs and night": {
        "pricing.pricingpack": "No night has built one: load market data, then run the night.",
        "pricing.packcontent": "It comes with the first pack that is sealed.",
        "pricing.packprice": "No sealed pack holds a price yet.",
        "pricing.packrate": "No sealed pack holds an exchange rate yet.",
        "pricing.packobservation": "No sealed pack holds an observation of a macro series yet.",
        "pricing.packaction": "No sealed pack holds a corporate action yet.",
        "execution.nightlyrun": "None has run: beat rings for it, and `nightly` runs it by hand.",
        "execution.jobrun": "No night has run.",
        "execution.jobchunk": "No night has reached the jobs that go over portfolios.",
        "execution.blockedportfolio": f"No job of a night left one out. {OWN}",
        "execution.historycheck": "None has run: beat rings for it each day.",
    },
    "Market data": {
        "pricing.quarantinedrow": "No rule suspects a row.",
        "pricing.marketarchive": "No market data were loaded: `load_market_data` does.",
        "pricing.security": "No market data were loaded.",
        "pricing.securityalias": "Every provider calls the securities as we do.",
        "pricing.symboloverride": "Nobody had to say what a provider's symbol means.",
        "pricing.series": "No market data with macro series were loaded.",
        "pricing.riskfreerate": "No currency has a risk-free rate, so no ratio over one is computed: add the series.",
        "pricing.factorseries": "No factor has a series, so no exposure is computed: add them.",
        "portfolio.onemonthrate": "No currency has a one-month rate, so no forward premium is computed: add the series.",
        "portfolio.benchmark": "None is defined, so portfolios are measured against nothing: add one.",
        "portfolio.benchmarkcomponent": "They come with a benchmark, and none is defined.",
        "pricing.pricingpolicy": "They come with `migrate`.",
    },
    "Portfolios and ledgers": {
        "portfolio.portfolio": f"Portfolios come in with their ledger. {OWN}",
        "portfolio.ledgerrevision": f"They come with each commit to a ledger. {OWN}",
        "portfolio.transaction": f"They are read from ledgers. {OWN}",
        "portfolio.lot": f"They are derived from purchases. {OWN}",
        "portfolio.matchedlot": f"They are derived from sales and transfers out. {OWN}",
        "portfolio.dailyvalue": f"Nights compute them. {OWN}",
        "portfolio.economicphase": "Nights judge them from the macro series of a pack.",
        "portfolio.reconciliation": f"Nights compare the books. {OWN}",
        "portfolio.break": f"The two books agree wherever they were compared. {OWN}",
    },
    "Patterns": {
        "execution.patterndraft": "Nobody writes one: begin one from a file, from a published pattern or from nothing.",
        "execution.pattern": "None is published: `load_patterns` publishes those of the library.",
        "execution.patternversion": "None is published: `load_patterns` publishes those of the library.",
        "execution.execution": f"Pages and the API make them. {OWN}",
        "execution.executionorder": f"They are questions that workers answer. {OWN}",
        "execution.executionexport": "They are files that you took out: there are none.",
        "execution.droppedexecution": f"No stored answer was dropped. {OWN}",
        "execution.idempotencykey": "No request to the API carried a key.",
        "execution.signingkey": "No bundle was signed: the first one puts its key on record.",
    },
    "People and access": {
        "portfolio.portfolioaccess": "You have opened no portfolio for yourself, and share none.",
        "auth.user": "There are no users.",
        "auth.group": "The groups of the staff come with `migrate`.",
        "otp_totp.totpdevice": "Nobody has set up a second factor: staff do at their next log-in.",
        "otp_static.staticdevice": "Nobody has recovery codes: they come with a second factor.",
        "config.logouts": "Nobody has logged out.",
    },
    "Audit": {
        "compliance.auditentry": "Triggers write it with each change. The database shows it to who may view entries.",
        "compliance.auditseal": "Nothing is sealed: the worker does each minute.",
        "compliance.auditcheck": "None has run: beat rings for it each day.",
    },
    "Schedules": {
        "django_celery_beat.periodictask": "They come when beat starts, and it has not.",
        "django_celery_beat.crontabschedule": "No schedule follows a time of day.",
        "django_celery_beat.intervalschedule": "No schedule follows an interval.",
    },
}
