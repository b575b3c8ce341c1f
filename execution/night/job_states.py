"""The jobs of the newest nights as a scrape of the metrics reads them: one statement, because it is asked every few seconds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

STATEMENT = """
    WITH newest AS (SELECT DISTINCT ON (policy) id FROM execution_nightlyrun ORDER BY policy, started_at DESC, id)
    SELECT run.policy, run.id, run.id IN (TABLE newest), job.name, job.state,
           extract(epoch FROM job.finished_at - job.started_at)::float8, job.detail,
           (SELECT coalesce(jsonb_object_agg(of_state.state, of_state.count), '{}')
              FROM (SELECT state, count(*) FROM execution_jobchunk AS chunk
                     WHERE chunk.job_id = job.id AND chunk.fencing = job.fencing GROUP BY state) AS of_state)
      FROM execution_jobrun AS job JOIN execution_nightlyrun AS run ON run.id = job.run_id
     WHERE run.id IN (TABLE newest) OR run.id = ANY(%s)
     ORDER BY run.policy, run.id, job.position
"""


@dataclass(frozen=True, slots=True)
class JobState:
    """A job of a run, after its last attempt.

    is_of_newest   whether its run is the newest of the policy
    duration_s     of the attempt, None until it has ended
    chunks         state -> number of its chunks
    """

    policy: str
    run: UUID
    is_of_newest: bool
    name: str
    state: str
    duration_s: float | None
    detail: Mapping[str, Any]
    chunks: Mapping[str, int]


def read_newest(*, also_runs: Iterable[UUID]) -> list[JobState]:
    """The jobs of the newest run of each policy, and of the runs `also_runs`; those of a run in their order."""
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, [list(also_runs)])
        return [
            JobState(policy, run, is_of_newest, name, state, duration_s, json.loads(detail), json.loads(chunks))
            for policy, run, is_of_newest, name, state, duration_s, detail, chunks in cursor.fetchall()
        ]
