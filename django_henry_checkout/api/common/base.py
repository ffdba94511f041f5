"""The base view of the storefront API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import override
from django.views.debug import SafeExceptionReporterFilter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from ulid import ULID

from django_henry_checkout.api.common.callers import CallerAuthentication, django_request
from django_henry_checkout.api.common.parsing import StrictJSONParser
from django_henry_checkout.api.common.problems import handle_exception
from django_henry_checkout.api.common.throttling import CallerThrottle, CheckoutThrottle
from django_henry_checkout.exceptions import CartNotFound, OrderNotFound
from django_henry_checkout.flows.access.callers import remember_order
from django_henry_checkout.flows.cart.carts import get_cart
from django_henry_checkout.flows.order.transitions import get_order
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Caller, parse_public_id


class HideLocals(SafeExceptionReporterFilter):
    """Hide the local variables in error reports: they hold personal data."""

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]


class StorefrontView(APIView):
    """JSON in and out; problems as problem+json; open to guests; outside ATOMIC_REQUESTS; never cached."""

    authentication_classes = [CallerAuthentication]
    permission_classes = []
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_classes = [CallerThrottle, CheckoutThrottle]
    #: Whether a call reaches Henry: it is then counted in the database.
    calls_henry = False
    #: Status codes to replace, where the page that a call follows declares fewer.
    status_overrides: ClassVar[Mapping[int, int]] = {}
    #: Names of the buyer's fields in problems, where the page that a call follows names them differently.
    field_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return login_not_required(transaction.non_atomic_requests(super().as_view(**initkwargs)))

    def get_rate_scope(self, method: str | None) -> str:
        """Return the key of API_THROTTLES that a call counts towards."""
        if method == "OPTIONS":
            return "read"
        if self.calls_henry:
            return "checkout"
        return "read" if method in {"GET", "HEAD"} else "write"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Respond with JSON and ignore `Accept` and `format`."""
        return JSONRenderer(), JSONRenderer.media_type

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Respond with problems and ignore the host's REST_FRAMEWORK setting."""
        return partial(handle_exception, status_overrides=self.status_overrides)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        request.exception_reporter_filter = HideLocals()
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Request-Id"] = str(ULID())
        return response

    @property
    def caller(self) -> Caller:
        """On whose behalf the call is made."""
        return cast("Caller", self.request.auth)

    def parse_id(self, text: str, not_found: type[Exception]) -> UUID:
        """Return an id that is spelled as a ULID or a UUID; a malformed one looks like an unknown one."""
        public_id = parse_public_id(text)
        if public_id is None:
            raise not_found
        return public_id

    def read_body(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the validated body."""
        with override("en"):  # validation errors are for developers, not in the shopper's language
            serializer = serializer_class(data=self.request.data)
            serializer.is_valid(raise_exception=True)
        content: dict[str, Any] = serializer.validated_data
        return content

    def remember_order(self, order: Order) -> None:
        """Let a guest with the shop's cookies see an order that they began."""
        request = django_request(self.request)
        if self.caller.uses_browser_session and request.session.session_key:
            remember_order(request, order)

    def get_cart(self, cart_id: str) -> Cart:
        """Return a cart of the caller; an unknown id and another caller's look the same."""
        return get_cart(self.parse_id(cart_id, CartNotFound), caller=self.caller)

    def get_order(self, order_id: str) -> Order:
        """Return an order of the caller; an unknown id and another caller's look the same."""
        return get_order(self.parse_id(order_id, OrderNotFound), caller=self.caller)
