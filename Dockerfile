# A transcription of `make install` (runtime lock only) and `rongqiao serve`.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /app/.venv \
 && /app/.venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY models models
COPY scoring scoring
COPY matching matching
COPY seed seed
COPY service service
RUN /app/.venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && /app/.venv/bin/python -m pip uninstall --yes setuptools pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/rongqiao --create-home rongqiao
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RONGQIAO_HOME=/var/lib/rongqiao
USER rongqiao
VOLUME /var/lib/rongqiao
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["rongqiao", "serve", "--host", "0.0.0.0", "--port", "8000"]
