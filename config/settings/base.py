"""What the project is made of."""

from pathlib import Path

from config import env

env.refuse_gone()

BASE_DIR = Path(__file__).resolve().parents[2]
VAR = env.var()
DEVELOPMENT = env.development()
DEBUG = env.debug_pages()
RELEASE = "0.1.0"

INSTALLED_APPS = [
    "config.admin_site.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_celery_beat",
    "config",
    "compliance",
    "pricing",
    "portfolio",
    "agents",
    "execution",
]

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

EXPORT_PATH = env.path("EXPORT_PATH", default=VAR / "exports")
EXPORT_DAYS = env.integer("EXPORT_DAYS", default=7, minimum=1)
"""How long the file of an export is kept."""
EXPORT_SIGNING_KEY = (
    env.secret_or_own("EXPORT_SIGNING_KEY", minimum=50, own_file=VAR / "export_signing_key")
    if DEVELOPMENT or env.is_set("EXPORT_SIGNING_KEY")
    else ""
)
"""Signs bundles; empty, there are none."""
LEDGER_PATH = env.path("LEDGER_PATH", default=VAR / "ledger.git")
