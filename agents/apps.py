from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        """Importing an agent's package registers its capabilities."""
        from agents import claude, data_harvester, financial_analyst, macro_hound  # noqa: F401
