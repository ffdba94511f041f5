"""What all API views share."""

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
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView
from ulid import ULID

from django_henry_checkout.api.callers import CallerAuthentication, shop_request, subject_of
from django_henry_checkout.api.parsing import StrictJSONParser
from django_henry_checkout.api.problems import answer_problem
from django_henry_checkout.api.schema.auto import HenrySchema
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import CartNotFound, OrderNotFound
from django_henry_checkout.flows.access.callers import remember_order
from django_henry_checkout.flows.access.throttling import client_network, count_call
from django_henry_checkout.flows.cart.carts import get_cart
from django_henry_checkout.flows.order.transitions import get_order
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Caller, parse_public_id


class CallerThrottle(SimpleRateThrottle):
    """Counts cheap calls per caller, in the cache. It slows abuse down; it is no security measure."""

    def __init__(self) -> None:
        """Read no rate yet: it depends on the view's scope and on the method."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = view.scope_of(request.method)
        if self.scope == "checkout":
            return True  # counted in the database, below
        self.rate = app_settings.API_THROTTLES[self.scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        subject = subject_of(cast("Caller", request.auth), request) or self.get_ident(request)
        return f"henry_checkout:{self.scope}:{subject}"


class CostThrottle(BaseThrottle):
    """Counts calls that cost money, per caller and per network, in the database."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if view.scope_of(request.method) == "checkout":
            for subject, scope in subjects_of(request):
                count_call([f"checkout:{subject}"], rate=app_settings.API_THROTTLES[scope])
        return True


def subjects_of(request: Request) -> list[tuple[str, str]]:
    """Return who makes a costly call, each with the scope that bounds him: the caller, and his network."""
    who = subject_of(cast("Caller", request.auth), request)
    network = client_network(shop_request(request))
    return [pair for pair in ((who, "checkout"), (network, "network")) if pair[0]]


class NoLocals(SafeExceptionReporterFilter):
    """Keeps local variables out of error reports."""

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]


class HenryView(APIView):
    """JSON in and out; problems as problem+json; open to guests; outside ATOMIC_REQUESTS; never cached."""

    authentication_classes = [CallerAuthentication]
    permission_classes = []
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_classes = [CallerThrottle, CostThrottle]
    schema = HenrySchema()
    costs_a_call_to_henry = False
    #: Other statuses for problems, where the page that a call follows declares only some.
    statuses: ClassVar[Mapping[int, int]] = {}
    #: How the page that a call follows names the parts of a buyer, where not as we do.
    field_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return login_not_required(transaction.non_atomic_requests(super().as_view(**initkwargs)))

    def scope_of(self, method: str | None) -> str:
        """Name the throttle that counts a call."""
        if method == "OPTIONS":
            return "read"
        if self.costs_a_call_to_henry:
            return "checkout"
        return "read" if method in {"GET", "HEAD"} else "write"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer JSON, whatever `Accept` or `format` ask for."""
        return JSONRenderer(), JSONRenderer.media_type

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Answer problems whatever the host's REST_FRAMEWORK setting says."""
        return partial(answer_problem, statuses=self.statuses)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # What goes wrong here is reported without local variables: they hold personal data.
        request.exception_reporter_filter = NoLocals()
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Request-Id"] = str(ULID())
        return response

    def public_id(self, text: str, missing: type[Exception]) -> UUID:
        """Read an id in either spelling; one that is neither looks like one that is not there."""
        found = parse_public_id(text)
        if found is None:
            raise missing
        return found

    @property
    def caller(self) -> Caller:
        """On whose behalf the call is made."""
        return cast("Caller", self.request.auth)

    def read(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        """Check the body's shape and return it."""
        with override("en"):  # what is wrong is for developers, whatever language the shopper speaks
            serializer = serializer_class(data=self.request.data)
            serializer.is_valid(raise_exception=True)
        content: dict[str, Any] = serializer.validated_data
        return content

    def remember(self, order: Order) -> None:
        """Let a guest who comes with the shop's cookies see an order that he has begun."""
        request = shop_request(self.request)
        if self.caller.uses_browser_session and request.session.session_key:
            remember_order(request, order)

    def cart(self, cart_id: str) -> Cart:
        """Return a cart of the caller; an unknown id and somebody else's look the same."""
        return get_cart(self.public_id(cart_id, CartNotFound), caller=self.caller)

    def order(self, order_id: str) -> Order:
        """Return an order of the caller; an unknown id and somebody else's look the same."""
        return get_order(self.public_id(order_id, OrderNotFound), caller=self.caller)
