FROM python:3.11.14-slim-trixie

RUN useradd --system --create-home tieout && install -d -o tieout /srv/tieout /srv/ledger /srv/exports
WORKDIR /srv/tieout
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY --chown=tieout . .
USER tieout
# Reads the settings and nothing else, so any address and any key will do.
RUN key=$(python -c "import secrets; print(secrets.token_urlsafe(50))") && DEBUG=0 SECRET_KEY=$key AUDIT_KEY=$key RESULT_KEY=$key ALLOWED_HOSTS=localhost \
    DATABASE_URL=postgresql://localhost/tieout REDIS_URL=redis://localhost \
    python manage.py collectstatic --no-input

# glibc would give each of a process's threads an arena of its own, and keep in all of them what the largest answer took.
ENV MALLOC_ARENA_MAX=2
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "--config", "python:config.gunicorn", "--bind", "0.0.0.0:8000", "config.wsgi:application"]
