"""Workflows of DBOS alone: what a fleet is compared with.

Some steps take a time, and the others only leave a record, as the intents and transitions of a lifecycle.
"""

from __future__ import annotations

import sys
import time
from uuid import uuid4

from dbos import DBOS

URL, SECONDS = sys.argv[1], float(sys.argv[2])
COUNT, SLOTS, STEPS, RECORDS = map(int, sys.argv[3:])


@DBOS.step()
def effect(name: str) -> str:
    time.sleep(SECONDS)
    return name


@DBOS.step()
def note(name: str) -> str:
    return name


@DBOS.workflow(name="life")
def life(name: str) -> str:
    for number in range(STEPS):
        effect(f"{name}-{number}")
    for number in range(STEPS, RECORDS):
        note(f"{name}-{number}")
    return name


if __name__ == "__main__":
    DBOS(
        config={
            "name": "bare",
            "system_database_url": URL.replace("postgresql://", "postgresql+psycopg://"),
            "dbos_system_schema": f"bare{RECORDS}",
            "executor_id": uuid4().hex,
            "application_version": "1",
            "log_level": "ERROR",
            "run_admin_server": False,
        }
    )
    DBOS.launch()
    DBOS.register_queue("life", worker_concurrency=SLOTS, polling_interval_sec=0.2)
    begun = time.monotonic()
    handles = [DBOS.enqueue_workflow("life", life, f"{COUNT}-{number}") for number in range(COUNT // 2)]
    for handle in handles:
        handle.get_result()
    # Those of the other process, too: this one may have some of them under way.
    while DBOS.list_workflows(status=["ENQUEUED", "PENDING"], limit=1):
        time.sleep(0.1)
    print(time.monotonic() - begun)
    DBOS.destroy()
