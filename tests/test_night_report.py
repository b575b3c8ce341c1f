"""What the night's record says of the data it met."""

import pytest

from execution.models import JobRun

pytestmark = pytest.mark.role("job")


def test_the_build_tells_what_is_in_quarantine_and_how_symbols_differ(demo):
    detail = JobRun.objects.filter(name="build_pack").latest("run__date").detail

    assert detail["quarantined"] == {"pending": 0, "accepted": 0, "rejected": 0}
    assert detail["symbol_differences"] == []
