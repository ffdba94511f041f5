from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_henry_checkout.admin.base import AccountFilter, may
from django_henry_checkout.admin.history_context import story_context
from django_henry_checkout.admin.labels import error_message, next_step
from django_henry_checkout.admin.order_actions import ORDER_ACTIONS, FoundForm, OrderAction
from django_henry_checkout.admin.pages import ShopPages
from django_henry_checkout.exceptions import ConfigurationError, HenryCheckoutError
from django_henry_checkout.flows.operations.search import find_orders
from django_henry_checkout.flows.order.export import orders_as_csv
from django_henry_checkout.flows.order.history import get_history
from django_henry_checkout.formatting import money_text
from django_henry_checkout.models import Order, OrderStatus, Purchase, PurchaseStatus
from django_henry_checkout.models.orders import OPERATE, RESOLVE

MASKED = "•••"


class AttentionFilter(admin.SimpleListFilter):
    """What waits for a person; each has an index of its own."""

    title = gettext_lazy("needs a person")
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("review", _("flagged for review")),
            ("in_doubt", _("in doubt")),
            ("stuck", _("stuck")),
            ("partial", _("partly completed, not reviewed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "review":
                return queryset.filter(needs_review=True)
            case "in_doubt" | "stuck" as status:
                return queryset.filter(purchases__status=status)
            case "partial":
                return queryset.filter(status=OrderStatus.PARTIALLY_COMPLETED, reviewed_at=None)
        return queryset


@admin.register(Order)
class OrderAdmin(ShopPages):
    list_display = ["number", "status_badge", "needed_next", "age", "total_shown", "buyer_name", "account"]
    list_select_related = ["buyer"]
    list_filter = ["status", AttentionFilter, AccountFilter, "created_at"]
    search_fields = ["number"]
    search_help_text = gettext_lazy("Number, refId, cart id, e-mail")
    actions = ["export_csv"]

    # The list -----------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        attention = Purchase.objects.filter(status__in=[PurchaseStatus.IN_DOUBT, PurchaseStatus.STUCK])
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.prefetch_related(
            Prefetch("purchases", attention.only("order_id", "status"), to_attr="worrying")
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        if not search_term.strip():
            return queryset, False
        found = find_orders(search_term, by_email=self.has_buyers_permission(request))
        return queryset.filter(pk__in=found), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shows = self.has_buyers_permission(request)
        return [self._masked if name == "buyer_name" and not shows else name for name in self.list_display]

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, order: Order) -> str:
        return format_html('<span class="hc-badge hc-{}">{}</span>', order.status, order.get_status_display())

    @admin.display(description=gettext_lazy("next"))
    def needed_next(self, order: Order) -> str:
        worrying = {purchase.status for purchase in getattr(order, "worrying", [])}
        words = next_step(order, worrying)
        is_urgent = bool(worrying) or order.wants_review
        return format_html('<strong class="hc-warn">{}</strong>', words) if is_urgent else words

    @admin.display(description=gettext_lazy("age"))
    def age(self, order: Order) -> str:
        shown = timesince(order.created_at, depth=1)
        return format_html(
            '<span title="{}">{}</span>', order.created_at.isoformat(timespec="seconds"), shown
        )

    @admin.display(description=gettext_lazy("total"))
    def total_shown(self, order: Order) -> str | None:
        return None if order.total is None else format_html("<bdi>{}</bdi>", money_text(order.total))

    @admin.display(description=gettext_lazy("buyer"))
    def buyer_name(self, order: Order) -> str:
        buyer = getattr(order, "buyer", None)
        return "" if buyer is None else f"{buyer.first_name} {buyer.last_name}".strip() or buyer.email

    @admin.display(description=gettext_lazy("buyer"))
    def _masked(self, order: Order) -> str:
        return MASKED if getattr(order, "buyer", None) is not None else ""

    @admin.action(description=gettext_lazy("Export as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> StreamingHttpResponse:
        """Stream the chosen orders; who may not see buyers gets no columns of theirs."""
        lines = orders_as_csv(
            queryset.prefetch_related(None).select_related(None),
            with_buyers=self.has_buyers_permission(request),
        )
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M")
        answer["Content-Disposition"] = f'attachment; filename="orders-{stamp}.csv"'
        answer["Cache-Control"] = "no-store"
        return answer

    # One order ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("attention/", wrap(self.attention_view), name="henry_checkout_attention"),
            path("doctor/", wrap(self.doctor_view), name="henry_checkout_doctor"),
            path(
                "<path:object_id>/do/<slug:deed>/<int:target_id>/",
                wrap(self.deed_view),
                name="henry_checkout_order_deed",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show one order as a story. `?at=` shows it as it was after that event."""
        order = self._order_or_404(request, object_id)
        at = request.GET.get("at", "")
        story = get_history(order, at=int(at) if at.isdecimal() and len(at) < 10 else None)
        context = {
            **self.page_context(request, _("Order %(number)s") % {"number": order.number}),
            "order": order,
            **story_context(
                story,
                sees_buyer=self.has_buyers_permission(request),
                may={name: may(request, name) for name in (OPERATE, RESOLVE)},
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/henry_checkout/order/change_form.html", context)

    def _order_or_404(self, request: HttpRequest, object_id: str) -> Order:
        order = Order.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if order is None:
            raise Http404
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        return order

    # Deeds --------------------------------------------------------------------------------

    def deed_view(self, request: HttpRequest, object_id: str, deed: str, target_id: int) -> HttpResponse:
        """Ask once more, then let the flow act."""
        order = self._order_or_404(request, object_id)
        doing = ORDER_ACTIONS.get(deed)
        if doing is None:
            raise Http404
        if not may(request, doing.permission):
            raise PermissionDenied
        target = order if doing.target is Order else _target_of(doing, order, target_id)
        back = reverse(f"{self.admin_site.name}:henry_checkout_order_change", args=[order.pk])
        if not doing.is_offered(target):
            self.message_user(request, _("That is not needed any more."), messages.WARNING)
            return HttpResponseRedirect(back)
        form = doing.form(request.POST or None, target=target)
        seen = None
        if request.method == "POST" and form.is_valid():
            try:
                seen = self._preview(doing, target, form)
                if seen is None:
                    said = doing.run(target, form.cleaned_data, request.user.get_username())
                    self.log_change(request, order, f"{doing.label}: {said}")
                    self.message_user(request, said, messages.SUCCESS)
                    return HttpResponseRedirect(back)
            except (HenryCheckoutError, ConfigurationError) as error:
                form.add_error(None, error_message(error))
        context = {
            **self.page_context(request, _("Order %(number)s") % {"number": order.number}), "order": order, "deed": doing, "form": form, "target": target, "seen": seen,
            "back": back, "looks_first": doing.preview is not None,
        }  # fmt: skip
        return TemplateResponse(request, "admin/henry_checkout/order/deed.html", context)

    def _preview(self, doing: OrderAction, target: Any, form: Any) -> Any:
        """Return what must be shown before it is done; None if it was, or there is nothing to show."""
        if doing.preview is None or form.cleaned_data.get("seen") == form.cleaned_data.get("ref_id"):
            return None
        seen = doing.preview(target, form.cleaned_data)
        assert isinstance(form, FoundForm)  # noqa: S101 - for the type checker
        form.data = {**dict(form.data.items()), "seen": form.cleaned_data["ref_id"]}
        return seen


def _target_of(doing: OrderAction, order: Order, target_id: int) -> Any:
    target = doing.target.objects.filter(order=order, pk=target_id).first()
    if target is None:
        raise Http404
    return target
