"""A FastAPI route with nothing behind it, served as the office is: what any answer costs here at least."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI(docs_url=None, redoc_url=None)


@app.get("/bare")
async def bare() -> dict[str, str]:
    """One small object."""
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, server_header=False)
