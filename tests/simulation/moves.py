"""Every move of a status, as the database saw it: also one that was taken back before anybody looked."""

from __future__ import annotations

from django.db import connection

from django_henry_checkout.models import CheckoutSession, Order, OrderLine, Purchase
from django_henry_checkout.models.base import StateMachine

MODELS: tuple[type[StateMachine], ...] = (Order, Purchase, CheckoutSession, OrderLine)
_LOG = "simulation_moves"
_FUNCTION = f"""
    CREATE FUNCTION {_LOG}_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO {_LOG} VALUES (TG_TABLE_NAME, NEW.id, OLD.status, NEW.status); RETURN NEW; END $$
"""


def install() -> None:
    """Have the database write down each move. What is rolled back is not in it."""
    remove()
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_LOG} (model text, pk bigint, before text, after text)")
        if not is_sqlite:
            cursor.execute(_FUNCTION)
        for model in MODELS:
            table = model._meta.db_table
            note = f"BEGIN INSERT INTO {_LOG} VALUES ('{table}', NEW.id, OLD.status, NEW.status); END"
            cursor.execute(
                f"CREATE TRIGGER {_LOG}_{table} AFTER UPDATE OF status ON {table} FOR EACH ROW"
                " WHEN (OLD.status <> NEW.status) "
                + (note if is_sqlite else f"EXECUTE FUNCTION {_LOG}_note()")
            )


def remove() -> None:
    with connection.cursor() as cursor:
        for model in MODELS:
            table = model._meta.db_table
            where = "" if connection.vendor == "sqlite" else f" ON {table}"
            cursor.execute(f"DROP TRIGGER IF EXISTS {_LOG}_{table}{where}")
        if connection.vendor != "sqlite":
            cursor.execute(f"DROP FUNCTION IF EXISTS {_LOG}_note")
        cursor.execute(f"DROP TABLE IF EXISTS {_LOG}")


def take() -> list[tuple[type[StateMachine], int, str, str]]:
    """Return the moves since the last time: the model, the row, from where, to where."""
    models = {model._meta.db_table: model for model in MODELS}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT model, pk, before, after FROM {_LOG}")
        rows = cursor.fetchall()
        cursor.execute(f"DELETE FROM {_LOG}")
    return [(models[table], pk, before, after) for table, pk, before, after in rows]
