"""The Celery application of every process: what web, commands and worker send goes to the one broker of the settings."""

from celery import Celery

app = Celery("tieout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
