"""Customer session tokens (diddo-checkout.md 6)."""

from __future__ import annotations

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.callers import django_request
from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.idempotency import idempotent_call
from django_henry_checkout.api.diddo.buyers import DIDDO_NAMES, update_buyer
from django_henry_checkout.api.diddo.inputs import CustomerInput
from django_henry_checkout.flows.access.customer_tokens import (
    create_customer_session,
    revoke_customer_session,
    sign_customer_token,
)
from django_henry_checkout.models import CustomerSession
from django_henry_checkout.types import Buyer


class CustomerTokenView(StorefrontView):
    status_overrides = {409: 400, 422: 400}
    field_names = DIDDO_NAMES

    def post(self, request: Request) -> Response:
        """Mint a customer session token for a page or an app. Known details of the customer prefill their checkout."""
        may_mint = self.caller.trusted_account or (
            self.caller.uses_browser_session and django_request(request).session.session_key
        )
        if not may_mint:
            raise exceptions.NotAuthenticated("Only the shop's own server or pages mint customer tokens.")
        return idempotent_call(self, request, self._mint)

    def _mint(self, reference: JSON | None) -> tuple[Response, JSON]:
        if reference is None:
            session = create_customer_session(
                update_buyer(Buyer(), self.read_body(CustomerInput)),
                user=self.request.user if self.caller.user_pk is not None else None,
                account=self.caller.trusted_account or "default",
            )
        else:
            session = CustomerSession.objects.get(pk=reference["customer"])
        return Response({"cst": sign_customer_token(session)}), {"customer": session.pk}

    def delete(self, request: Request) -> Response:
        """Revoke the customer token of the call, and all other tokens of the same customer session."""
        if self.caller.customer_id is None:
            raise exceptions.NotAuthenticated("Send the customer token to revoke.")
        revoke_customer_session(self.caller.customer_id)
        return Response(status=204)
