from django.apps import AppConfig


class CanaryConfig(AppConfig):
    name = "tests.canary"
    label = "canary"

    def ready(self) -> None:
        """Importing an agent registers its capabilities."""
        from tests.canary import agent  # noqa: F401
