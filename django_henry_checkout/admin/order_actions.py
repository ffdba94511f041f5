"""Staff actions on an order: permission, when each is offered, its form, and the flow that it runs."""

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


class ConfirmForm(forms.Form):
    """Confirm an action; no input."""

    def __init__(self, *args: Any, target: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target = target


class NoteForm(ConfirmForm):
    """Confirm an action with an optional note, which is stored in the order's history."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("For your colleagues: what you found out. No personal data."),
        max_length=staff_actions.NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RefIdForm(NoteForm):
    """Enter a refId. It is submitted twice: `previewed` holds the refId whose preview has been shown."""

    ref_id = forms.CharField(
        label=gettext_lazy("refId at Henry"),
        help_text=gettext_lazy("As shown in Henry's dashboard or given by Henry's support."),
        max_length=255,
    )
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ["ref_id", "note"]

    def clean_ref_id(self) -> str:
        """Strip the spaces that copying adds."""
        return str(self.cleaned_data["ref_id"]).strip()


class ReplayForm(ConfirmForm):
    """Choose the receivers of a replay."""

    receivers = forms.MultipleChoiceField(
        label=gettext_lazy("Receivers"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, target: Event, **kwargs: Any) -> None:
        super().__init__(*args, target=target, **kwargs)
        # Not inside the f-string: messages there are not found for the catalogues.
        statuses = {"": _("never run"), **dict(DeliveryStatus.choices)}
        field = self.fields["receivers"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
        field.choices = [
            (each.receiver, f"{each.receiver} ({statuses[each.before]})")
            for each in staff_actions.plan_replay(target)
            if each.before != DeliveryStatus.PENDING
        ]


@dataclass(frozen=True, kw_only=True)
class OrderAction:
    """One staff action.

    Attributes:
        target: model of the record that it acts on: `Order`, `Purchase`, `Delivery` or `Event`.
        explanation: what will happen, and what will not.
        is_offered: whether the action applies to a target in its current state.
        run: calls the flow with the target, the form's data and the username; returns the success message.
        preview: returns what is shown before a second confirmation; None if one confirmation is enough.
    """

    label: StrPromise
    permission: str
    target: type[Any]
    explanation: StrPromise
    is_offered: Callable[[Any], bool]
    run: Callable[[Any, dict[str, Any], str], str]
    form: type[ConfirmForm] = ConfirmForm
    preview: Callable[[Any, dict[str, Any]], Observation] | None = None


def _check_status(purchase: Purchase, data: dict[str, Any], by: str) -> str:
    changed = staff_actions.poll_now(purchase, by=by)
    return _("Status checked: updated.") if changed else _("Status checked: no change.")


def _resolve_found(purchase: Purchase, data: dict[str, Any], by: str) -> str:
    staff_actions.resolve_found(purchase, data["ref_id"], by=by, note=data["note"])
    return _("The purchase is now followed as %(ref)s.") % {"ref": data["ref_id"]}


def _resolve_not_bought(*, another: bool) -> Callable[[Purchase, dict[str, Any], str], str]:
    def run(purchase: Purchase, data: dict[str, Any], by: str) -> str:
        if not staff_actions.resolve_not_bought(purchase, by=by, note=data["note"], another=another):
            return _("Reload the order: the outcome of the purchase is now known.")
        return _("The order is open for another attempt.") if another else _("The order was canceled.")

    return run


def _cancel(order: Order, data: dict[str, Any], by: str) -> str:
    staff_actions.cancel_order(order, by=by, note=data["note"])
    return _("The order was canceled.")


def _mark_reviewed(order: Order, data: dict[str, Any], by: str) -> str:
    staff_actions.mark_reviewed(order, by=by, note=data["note"])
    return _("The order was marked as reviewed.")


def _resume(delivery: Delivery, data: dict[str, Any], by: str) -> str:
    staff_actions.resume_delivery(delivery, by=by)
    return _("%(receiver)s will run again.") % {"receiver": delivery.receiver}


def _replay(event: Event, data: dict[str, Any], by: str) -> str:
    count = len(staff_actions.replay_event(event, by=by, receivers=data["receivers"]))
    return ngettext("%d receiver will run again.", "%d receivers will run again.", count) % count


def _is_in_doubt(purchase: Purchase) -> bool:
    return purchase.status == PurchaseStatus.IN_DOUBT


def _can_cancel(order: Order) -> bool:
    # In Python, because the order page has prefetched the purchases.
    is_stuck = any(purchase.status == PurchaseStatus.STUCK for purchase in order.purchases.all())
    return order.status == OrderStatus.OPEN or is_stuck


ORDER_ACTIONS: dict[str, OrderAction] = {
    "poll": OrderAction(
        label=gettext_lazy("Check status now"),
        permission=OPERATE,
        target=Purchase,
        explanation=gettext_lazy(
            "Requests the status from Henry once, outside the schedule, and applies it like that of any other poll."
        ),
        is_offered=lambda purchase: purchase.ended_at is None,
        run=_check_status,
    ),
    "found": OrderAction(
        label=gettext_lazy("It was bought: enter the refId"),
        permission=RESOLVE,
        target=Purchase,
        explanation=gettext_lazy(
            "The purchase is followed by the refId that you enter. Before you confirm, you see what Henry reports for it."
        ),
        is_offered=lambda purchase: not purchase.ref_id and purchase.ended_at is None,
        run=_resolve_found,
        form=RefIdForm,
        preview=lambda purchase, data: staff_actions.fetch_by_ref_id(purchase, data["ref_id"]),
    ),
    "not-bought": OrderAction(
        label=gettext_lazy("Nothing was bought: cancel the order"),
        permission=RESOLVE,
        target=Purchase,
        explanation=gettext_lazy(
            "Only if Henry has confirmed it: if the purchase was made after all, the app no longer searches for it. "
            "The order is canceled."
        ),
        is_offered=_is_in_doubt,
        run=_resolve_not_bought(another=False),
        form=NoteForm,
    ),
    "try-again": OrderAction(
        label=gettext_lazy("Nothing was bought: allow another attempt"),
        permission=RESOLVE,
        target=Purchase,
        explanation=gettext_lazy(
            "Only if Henry has confirmed it: if the purchase was made after all, the shopper can buy it twice. "
            "The order is open again, and the shopper can make another payment."
        ),
        is_offered=_is_in_doubt,
        run=_resolve_not_bought(another=True),
        form=NoteForm,
    ),
    "review": OrderAction(
        label=gettext_lazy("Mark as reviewed"),
        permission=OPERATE,
        target=Order,
        explanation=gettext_lazy("Clears the order's review flag. Nothing else changes."),
        is_offered=lambda order: order.wants_review,
        run=_mark_reviewed,
        form=NoteForm,
    ),
    "cancel": OrderAction(
        label=gettext_lazy("Cancel the order"),
        permission=RESOLVE,
        target=Order,
        explanation=gettext_lazy(
            "Ends the order here. Nothing is canceled at Henry, and no money is refunded: do that at Henry. "
            "If Henry still reports a purchase, the order is flagged for review."
        ),
        is_offered=_can_cancel,
        run=_cancel,
        form=NoteForm,
    ),
    "resume": OrderAction(
        label=gettext_lazy("Run again"),
        permission=OPERATE,
        target=Delivery,
        explanation=gettext_lazy(
            "The receiver gets the event again, with all its attempts. Later events that wait for this one follow."
        ),
        is_offered=lambda delivery: delivery.status == DeliveryStatus.DEAD,
        run=_resume,
    ),
    "replay": OrderAction(
        label=gettext_lazy("Run receivers again"),
        permission=OPERATE,
        target=Event,
        explanation=gettext_lazy(
            "Each receiver that you select gets the same event again, with the same event_id, even if it has already "
            "run. A receiver that does not check the event_id does its work twice."
        ),
        is_offered=lambda event: bool(receivers_of(event.type)),
        run=_replay,
        form=ReplayForm,
    ),
}
