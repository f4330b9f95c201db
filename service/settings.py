"""What an operator may set, each by an environment variable ``RONGQIAO_<NAME>``. Passed around, never imported."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

#: Its presence in the home folder is what "demo mode" means; nothing else switches it on.
DEMO_CLIENTS_FILE = "demo-clients.json"
#: The same for a sandbox (decision 26).
SANDBOX_FILE = "sandbox.json"


class Settings(BaseSettings):
    """Settings of one office. Sizes are bytes, times seconds."""

    model_config = SettingsConfigDict(env_prefix="RONGQIAO_", frozen=True, extra="ignore")

    home: Path = Path("var")
    database_url: str = Field(default="", description="Empty: SQLite in the home folder. Else a SQLAlchemy URL.")
    data: Path = Field(default=Path("../shared/data"), description="Published data files, read by `rongqiao real`.")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="How callers reach us; what an assertion's `aud` must name.",
    )
    oidc_issuer: str = Field(default="", description="The city's identity provider; empty: people sign in here only.")
    oidc_client_id: str = Field(default="", description="How the provider calls this office.")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="Empty for a public client.")
    max_json_bytes: int = Field(default=1_000_000, ge=1_000, description="Largest JSON or form body.")
    max_batch_bytes: int = Field(default=512_000_000, ge=1_000, description="Largest delivered file, as it travels.")
    max_bad_share: float = Field(default=0.05, ge=0, le=1, description="A batch with a larger bad share is refused.")
    requests_per_minute: int = Field(default=600, ge=1, description="Requests of one client, in each process.")
    look_ups_per_minute: int = Field(default=30, ge=1, description="Readings of one firm by one client.")
    tokens_per_minute: int = Field(default=60, ge=1, description="Token requests from one address.")
    sign_ins_per_minute: int = Field(default=20, ge=1, description="Attempts to sign in from one address.")
    body_seconds: float = Field(default=30, gt=0, description="Longest pause while a body arrives; then 408.")
    answer_seconds: float = Field(default=60, gt=0, description="Longest wait for an answer to begin; then 504.")
    batch_seconds: float = Field(default=1800, gt=0, description="The same for a delivered batch.")
    drain_seconds: float = Field(
        default=0, ge=0, description="After SIGTERM: how long to say not ready, and still serve, before stopping."
    )
    token_seconds: int = Field(default=600, ge=10, le=3600, description="Life of a bearer token.")
    snapshot_check_seconds: float = Field(default=1.0, ge=0, description="How often a newer snapshot is looked for.")
    delta_records: int = Field(
        default=5_000, ge=0, description="Records shown before the next build, at most; 0: the build alone answers."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that answer on the port, each with counts of its own."
    )
    delta_wait_seconds: float = Field(
        default=0, ge=0, description="How long a request waits for a record that is being laid over the snapshot."
    )
    serve_jobs: bool = Field(default=False, description="Whether a serving process also works on jobs.")
    job_lease_seconds: float = Field(
        default=60, ge=1, description="How long a worker may be silent before another takes its job."
    )
    stop_seconds: int = Field(default=20, ge=1, description="How long a stopping server waits for open requests.")

    @property
    def is_demo(self) -> bool:
        """Whether this home folder holds an invented city: the demo's, or a sandbox's."""
        return any((self.home / name).exists() for name in (DEMO_CLIENTS_FILE, SANDBOX_FILE))
