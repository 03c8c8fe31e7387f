"""Alembic migrations; `database.migrate` runs them when the service starts."""
