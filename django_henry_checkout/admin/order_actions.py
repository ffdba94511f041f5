"""What people may do to an order in the admin: who may, when it is offered, what is asked first, which flow acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_henry_checkout.flows.events.journal import receivers_of
from django_henry_checkout.flows.operations import staff_actions
from django_henry_checkout.models import (
    Delivery,
    DeliveryStatus,
    Event,
    Order,
    OrderStatus,
    Purchase,
    PurchaseStatus,
)
from django_henry_checkout.models.orders import OPERATE, RESOLVE
from django_henry_checkout.types import Observation

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


class SureForm(forms.Form):
    """Asks for nothing but the click."""

    def __init__(self, *args: Any, target: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target = target


class NoteForm(SureForm):
    """Asks why, for those who read the order's story later."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("For your colleagues: what you found out. No personal data."),
        max_length=staff_actions.NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class FoundForm(NoteForm):
    """Asks for the refId, shows what Henry says about it, and is sent once more then."""

    ref_id = forms.CharField(
        label=gettext_lazy("refId at Henry"),
        help_text=gettext_lazy("As Henry's dashboard or support names it."),
        max_length=255,
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ["ref_id", "note"]

    def clean_ref_id(self) -> str:
        """Allow spaces around it, as they come with copying."""
        return str(self.cleaned_data["ref_id"]).strip()


class ReplayForm(SureForm):
    """Asks which receivers."""

    receivers = forms.MultipleChoiceField(
        label=gettext_lazy("Receivers"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, target: Event, **kwargs: Any) -> None:
        super().__init__(*args, target=target, **kwargs)
        statuses = dict(DeliveryStatus.choices)
        field = self.fields["receivers"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
        field.choices = [
            (each.receiver, f"{each.receiver} ({statuses.get(each.before, _('never run'))})")
            for each in staff_actions.plan_replay(target)
            if each.before != DeliveryStatus.PENDING
        ]


@dataclass(frozen=True, kw_only=True)
class OrderAction:
    """One thing that people may do.

    Attributes:
        target: "order", or what of the order it is about: "purchase", "delivery", "event".
        explains: what will happen, and what will not.
        is_offered: whether it makes sense for a target as it is now.
        run: calls the flow with target, answers and the person's name; returns what to tell him.
        preview: shown before it is done; None if the question is enough.
    """

    label: StrPromise
    permission: str
    target: type[Any]
    explains: StrPromise
    is_offered: Callable[[Any], bool]
    run: Callable[[Any, dict[str, Any], str], str]
    form: type[SureForm] = SureForm
    preview: Callable[[Any, dict[str, Any]], Observation] | None = None


def _poll(purchase: Purchase, data: dict[str, Any], by: str) -> str:
    is_news = staff_actions.poll_now(purchase, by=by)
    return _("Henry was asked: there was news.") if is_news else _("Henry was asked: nothing new.")


def _found(purchase: Purchase, data: dict[str, Any], by: str) -> str:
    staff_actions.resolve_found(purchase, data["ref_id"], by=by, note=data["note"])
    return _("The purchase is followed as %(ref)s from here on.") % {"ref": data["ref_id"]}


def _not_bought(another: bool) -> Callable[[Purchase, dict[str, Any], str], str]:
    def run(purchase: Purchase, data: dict[str, Any], by: str) -> str:
        if not staff_actions.resolve_not_bought(purchase, by=by, note=data["note"], another=another):
            return _("Look at the order again: what became of the purchase is known by now.")
        return _("The order is open for another attempt.") if another else _("The order was canceled.")

    return run


def _cancel(order: Order, data: dict[str, Any], by: str) -> str:
    staff_actions.cancel_order(order, by=by, note=data["note"])
    return _("The order was canceled.")


def _review(order: Order, data: dict[str, Any], by: str) -> str:
    staff_actions.mark_reviewed(order, by=by, note=data["note"])
    return _("The order was marked as reviewed.")


def _resume(delivery: Delivery, data: dict[str, Any], by: str) -> str:
    staff_actions.resume_delivery(delivery, by=by)
    return _("%(receiver)s will run again.") % {"receiver": delivery.receiver}


def _replay(event: Event, data: dict[str, Any], by: str) -> str:
    count = len(staff_actions.replay_event(event, by=by, receivers=data["receivers"]))
    return ngettext("%d receiver will run once more.", "%d receivers will run once more.", count) % count


def _is_in_doubt(purchase: Purchase) -> bool:
    return purchase.status == PurchaseStatus.IN_DOUBT


def _may_cancel(order: Order) -> bool:
    # In Python: the order's page has them at hand.
    is_stuck = any(purchase.status == PurchaseStatus.STUCK for purchase in order.purchases.all())
    return order.status == OrderStatus.OPEN or is_stuck


ORDER_ACTIONS: dict[str, OrderAction] = {
    "poll": OrderAction(
        label=gettext_lazy("Ask Henry now"),
        permission=OPERATE,
        target=Purchase,
        explains=gettext_lazy(
            "Henry is asked once, outside the schedule. What he says is taken as from any poll."
        ),
        is_offered=lambda purchase: purchase.ended_at is None,
        run=_poll,
    ),
    "found": OrderAction(
        label=gettext_lazy("It was bought: enter the refId"),
        permission=RESOLVE,
        target=Purchase,
        explains=gettext_lazy(
            "The purchase is followed by the refId that you enter. You see first what Henry says about it."
        ),
        is_offered=lambda purchase: not purchase.ref_id and purchase.ended_at is None,
        run=_found,
        form=FoundForm,
        preview=lambda purchase, data: staff_actions.fetch_by_ref_id(purchase, data["ref_id"]),
    ),
    "not-bought": OrderAction(
        label=gettext_lazy("Nothing was bought: cancel the order"),
        permission=RESOLVE,
        target=Purchase,
        explains=gettext_lazy(
            "Only when Henry has told you so: if the purchase was made after all, nobody will look for it any more. "
            "The order is canceled."
        ),
        is_offered=_is_in_doubt,
        run=_not_bought(another=False),
        form=NoteForm,
    ),
    "try-again": OrderAction(
        label=gettext_lazy("Nothing was bought: allow another attempt"),
        permission=RESOLVE,
        target=Purchase,
        explains=gettext_lazy(
            "Only when Henry has told you so: if the purchase was made after all, the shopper can buy it twice. "
            "The order is open again, and the shopper may pay once more."
        ),
        is_offered=_is_in_doubt,
        run=_not_bought(another=True),
        form=NoteForm,
    ),
    "review": OrderAction(
        label=gettext_lazy("Mark as reviewed"),
        permission=OPERATE,
        target=Order,
        explains=gettext_lazy("The order no longer waits for a person. Nothing else changes."),
        is_offered=lambda order: order.wants_review,
        run=_review,
        form=NoteForm,
    ),
    "cancel": OrderAction(
        label=gettext_lazy("Cancel the order"),
        permission=RESOLVE,
        target=Order,
        explains=gettext_lazy(
            "Ends the order here. Nothing is canceled at Henry, and no money is paid back: do that there. "
            "If Henry reports a purchase all the same, a person is told."
        ),
        is_offered=_may_cancel,
        run=_cancel,
        form=NoteForm,
    ),
    "resume": OrderAction(
        label=gettext_lazy("Run again"),
        permission=OPERATE,
        target=Delivery,
        explains=gettext_lazy(
            "The receiver gets the event again, from the start of its attempts. What waits behind it follows."
        ),
        is_offered=lambda delivery: delivery.status == DeliveryStatus.DEAD,
        run=_resume,
    ),
    "replay": OrderAction(
        label=gettext_lazy("Run receivers once more"),
        permission=OPERATE,
        target=Event,
        explains=gettext_lazy(
            "Each receiver that you choose gets the same event again, with the same event_id, though it has run. "
            "One that does not look at the event_id does its work twice."
        ),
        is_offered=lambda event: bool(receivers_of(event.type)),
        run=_replay,
        form=ReplayForm,
    ),
}
