"""Errors that are reported to the shop's staff and developers."""

from __future__ import annotations

from django_henry_checkout.exceptions.base import HenryCheckoutError


class StaffError(HenryCheckoutError):
    """Reload the order and check its state.

    Base class of errors that only staff can meet: no API returns them.
    """

    code = "staff_error"


class NotInDoubt(StaffError):
    """Reload the order: the outcome of the purchase is now known."""

    code = "not_in_doubt"


class RefTaken(StaffError):
    """Check the refId: it belongs to another purchase."""

    code = "ref_taken"


class CannotCancel(StaffError):
    """Resolve the purchase first: it is being bought or may have been bought, or the order has ended."""

    code = "cannot_cancel"


class ReceiverMissing(HenryCheckoutError):
    """Connect the receiver in an AppConfig.ready(), so that every process imports it."""

    code = "receiver_missing"
