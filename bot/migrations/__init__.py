"""Versions of the tables (Alembic)."""
