"""Where reports of our own errors go."""

from config import env

from .base import DEVELOPMENT

SENTRY_DSN = env.text("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.text("SENTRY_ENVIRONMENT", default="development" if DEVELOPMENT else "production")
