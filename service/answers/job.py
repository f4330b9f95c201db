"""A job as it is told: how far it is, and how it ended."""

from __future__ import annotations

from typing import Any

from models.tables import Job


def job_answer(job: Job) -> dict[str, Any]:
    """One job. ``percent`` is unknown until the job says how much there is to do."""
    done, total = job.progress.get("done", 0), job.progress.get("total", 0)
    return {
        "id": job.id,
        "kind": job.kind,
        "arguments": job.arguments,
        "state": job.state,
        "stage": job.progress.get("stage"),
        "done": done,
        "total": total or None,
        "percent": 100.0 if job.state == "done" else round(100 * done / total, 1) if total else None,
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "cancel_asked": job.cancel_asked,
        "asked_by": job.asked_by,
        "asked_at": job.asked_at,
        "due_at": job.due_at,
        "heartbeat_at": job.heartbeat_at,
        "ended_at": job.ended_at,
        "result": job.result,
        "error": job.error,
    }
