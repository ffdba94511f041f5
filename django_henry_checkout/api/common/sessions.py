"""The base view of calls about a checkout session."""

from __future__ import annotations

from uuid import UUID

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.exceptions import SessionNotFound
from django_henry_checkout.flows.checkout.inline import find_inline_session
from django_henry_checkout.models import CheckoutSession


class CheckoutSessionView(StorefrontView):
    """A call about the caller's checkout session: identified by its token, else by its id or its cart's."""

    def get_session(self, *, session_id: str = "", cart_id: str = "") -> CheckoutSession:
        """Return the caller's checkout session.

        Raises:
            SessionNotNamed: neither a token nor an id was sent.
            SessionNotFound: unknown, or another caller's.
        """

        def parse(text: str) -> UUID | None:
            return self.parse_id(text, SessionNotFound) if text else None

        return find_inline_session(self.caller, session_id=parse(session_id), cart_id=parse(cart_id))

    def get_session_from_query(self) -> CheckoutSession:
        """Return the caller's checkout session, as `sessionId` or `cartId` of the query name it."""
        query = self.request.query_params
        return self.get_session(session_id=query.get("sessionId", ""), cart_id=query.get("cartId", ""))
