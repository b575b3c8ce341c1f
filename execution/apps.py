from django.apps import AppConfig
from django.conf import settings

from config import doctor, env, warm_up


class ExecutionConfig(AppConfig):
    name = "execution"
    verbose_name = "Answers, patterns and nights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A settings module of one's own may not bring back what the environment may not."""
        for name, problem in env.GONE.items():
            if hasattr(settings, name):
                raise env.SettingInvalid(name, problem)
        doctor.register(_advice)
        warm_up.register(_engine_version)
        _record_log_ins()
        if settings.SENTRY_DSN:
            _report_errors()


def _record_log_ins() -> None:
    from execution.operations import log_ins  # with models, which are there by then

    log_ins.begin_recording()


def _report_errors() -> None:
    from config.telemetry import errors

    errors.start(
        settings.SENTRY_DSN, errors.Installation(settings.RELEASE, settings.SENTRY_ENVIRONMENT, _engine_version)
    )


def _engine_version() -> str:
    from execution.executor.engine import engine_version  # when it is asked for: it imports half of the project

    return engine_version()


def _advice() -> list[doctor.Fault]:
    from execution.night import restatement  # imported when somebody asks: they import half of the project
    from portfolio.books import catching_up

    return [*restatement.find_advice(), *catching_up.find_advice()]
