"""A FastAPI route with nothing behind it, served as the office is: what any answer costs here at least."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

app = FastAPI(docs_url=None, redoc_url=None)
_body = Path(sys.argv[2]).read_bytes() if sys.argv[2:] else b"{}"
_document = json.loads(_body)


@app.get("/bare")
async def bare() -> dict[str, str]:
    """One small object."""
    return {"status": "ok"}


@app.get("/document")
async def document() -> dict[str, Any]:
    """The document of the command line; the framework makes it JSON, the quickest way it has."""
    return dict(_document)


@app.get("/bytes")
async def ready_made() -> Response:
    """The same as bytes that were made before: nothing but the way out."""
    return Response(_body, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, server_header=False)
