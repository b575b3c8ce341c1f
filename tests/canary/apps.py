from django.apps import AppConfig


class CanaryConfig(AppConfig):
    name = "tests.canary"
    label = "canary"

    def ready(self) -> None:
        """Offer the capability, in the processes of this application alone."""
        from agents import registry
        from tests.canary import agent

        registry.default.capability("canary.breaks", agent="canary")(agent.breaks)
