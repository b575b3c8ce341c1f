"""The product's settings, and an agent and jobs that break."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.canary.apps.CanaryConfig"]
