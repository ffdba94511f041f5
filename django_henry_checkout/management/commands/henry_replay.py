from __future__ import annotations

import getpass
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from django_henry_checkout import signals
from django_henry_checkout.flows.operations.staff_actions import plan_replay, replay_event
from django_henry_checkout.management.progress import interruptible, parse_time, progress_bar
from django_henry_checkout.models import Event
from django_henry_checkout.types import parse_public_id

CHUNK_SIZE = 200


class Command(BaseCommand):
    help = "Runs the receivers of past events again, with the same event_id. Without --yes, only lists them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--event", action="append", default=[], help="Id of an event; can be repeated.")
        parser.add_argument("--order", default="", help="Order number; selects all its events.")
        parser.add_argument("--type", choices=sorted(signals.BY_NAME), help="Only events of this signal.")
        parser.add_argument(
            "--since", type=parse_time, help="Only events since this time: 12h, 7d, or a time."
        )
        parser.add_argument("--until", type=parse_time, help="Only events before this time.")
        parser.add_argument(
            "--receiver", action="append", default=[], help="Only this receiver; can be repeated."
        )
        parser.add_argument(
            "--yes", action="store_true", help="Run the receivers; without it nothing is changed."
        )

    def handle(
        self,
        *args: Any,
        receiver: list[str],
        yes: bool,
        since: datetime | None,
        until: datetime | None,
        **options: Any,
    ) -> None:
        events = self._events(options["event"], options["order"], options["type"], since, until)
        events = events.filter(type__in=signals.BY_NAME).select_related("order").order_by("pk")
        runs, total = 0, events.count()
        with interruptible() as stop, progress_bar(desc="replay", unit=" events", total=total) as progress:
            for event in events.iterator(CHUNK_SIZE):
                plan = self._replay(event, receiver) if yes else plan_replay(event, receivers=receiver)
                runs += len(plan)
                progress.update()
                if not yes or options["verbosity"] > 1:
                    names = ", ".join(each.receiver for each in plan) or "no receivers"
                    progress.clear()
                    self.stdout.write(
                        f"{event.ulid} order {event.order.number} #{event.sequence} {event.type}: {names}"
                    )
                if stop:
                    raise CommandError(f"Stopped after event {event.ulid}.", returncode=130)
        done = "will run again" if yes else "would run again with --yes"
        self.stdout.write(f"Events: {total}. Deliveries that {done}: {runs}.")

    def _replay(self, event: Event, receivers: list[str]) -> list[Any]:
        return replay_event(event, by=getpass.getuser(), receivers=receivers)

    def _events(
        self, ids: list[str], order: str, kind: str | None, since: datetime | None, until: datetime | None
    ) -> QuerySet[Event]:
        filters: dict[str, Any] = {}
        if ids:
            public_ids = [parse_public_id(each) for each in ids]
            if None in public_ids:
                raise CommandError("--event takes an event id, as shown in the admin.")
            filters["public_id__in"] = public_ids
        if order:
            filters["order__number"] = order
        if since is not None:
            filters["occurred_at__gte"] = since
        if not filters:
            raise CommandError("Select events with --event, --order or --since.")
        if kind:
            filters["type"] = kind
        if until is not None:
            filters["occurred_at__lt"] = until
        return Event.objects.filter(**filters)
