"""Run the migrations; alembic executes this file."""

from statechart.storage.sql.migrating import run

run()
