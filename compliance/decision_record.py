"""Decisions on record: who took or was refused what, by which version of the rights. A display that is allowed is only counted."""

from uuid import UUID

from django.conf import settings

from compliance.models import RightsDecision
from compliance.rights import OutputDecisions
from compliance.terms import Use
from config import origin, scope


def record(decisions: OutputDecisions, *, execution_id: UUID | None = None) -> None:
    """Put a decision on record for whoever asks, inside the caller's transaction, which may not be read-only.

    A refused display is there once for each reader, execution and version.
    """
    refusing = [each.source for each in decisions.sources if not each.outcome.lets_through]
    if decisions.use is Use.DISPLAY and not refusing:
        return
    user_id = scope.asking()
    assert user_id is not None  # each door that takes or shows knows who asks
    row = RightsDecision(
        user_id=user_id,
        use=decisions.use.value,
        outcome=decisions.outcome.value,
        sources={
            each.source: {"outcome": each.outcome.value, "reason": each.reason, "licence": each.licence}
            for each in decisions.sources
        },
        refusing=refusing,
        rights_version=decisions.version,
        day=decisions.day,
        environment=settings.RIGHTS_ENVIRONMENT,
        execution_id=execution_id,
        request_id=origin.current().request_id,
    )
    RightsDecision.objects.bulk_create([row], ignore_conflicts=decisions.use is Use.DISPLAY)
