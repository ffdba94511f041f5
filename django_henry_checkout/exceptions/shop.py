"""What the people who run a shop, and those who write its receivers, can meet."""

from __future__ import annotations

from django_henry_checkout.exceptions.base import HenryCheckoutError


class StaffError(HenryCheckoutError):
    """Look at the order again. Base of what only people who run the shop can meet: no API answers it."""

    code = "staff_error"


class NotInDoubt(StaffError):
    """Look at the order again: what became of the purchase is known by now."""

    code = "not_in_doubt"


class RefTaken(StaffError):
    """Look for the right refId: another purchase has this one."""

    code = "ref_taken"


class CannotCancel(StaffError):
    """Resolve the purchase first: it is being bought, or may have been; or the order has ended."""

    code = "cannot_cancel"


class ReceiverMissing(HenryCheckoutError):
    """Connect the receiver in an AppConfig.ready(), so that each process knows it."""

    code = "receiver_missing"
