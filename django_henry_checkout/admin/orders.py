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

from django_henry_checkout.admin.base import AccountFilter, has_app_permission
from django_henry_checkout.admin.history_context import history_context
from django_henry_checkout.admin.labels import error_message, next_step
from django_henry_checkout.admin.order_actions import ORDER_ACTIONS, ConfirmForm, OrderAction
from django_henry_checkout.admin.pages import ShopPages
from django_henry_checkout.exceptions import ConfigurationError, HenryCheckoutError
from django_henry_checkout.flows.operations.search import find_orders
from django_henry_checkout.flows.order.export import orders_as_csv
from django_henry_checkout.flows.order.history import get_history
from django_henry_checkout.formatting import format_money
from django_henry_checkout.models import Order, OrderStatus, Purchase, PurchaseStatus
from django_henry_checkout.models.orders import OPERATE, RESOLVE

MASKED = "•••"


class ReviewStateFilter(admin.SimpleListFilter):
    """Filter by review state; each choice has its own index."""

    title = gettext_lazy("review state")
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
    list_filter = ["status", ReviewStateFilter, AccountFilter, "created_at"]
    search_fields = ["number"]
    search_help_text = gettext_lazy("Number, refId, cart id, e-mail")
    actions = ["export_csv"]

    # The list -----------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        urgent = Purchase.objects.filter(status__in=[PurchaseStatus.IN_DOUBT, PurchaseStatus.STUCK])
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.prefetch_related(
            Prefetch("purchases", urgent.only("order_id", "status"), to_attr="urgent_purchases")
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        if not search_term.strip():
            return queryset, False
        found = find_orders(search_term, by_email=self.has_buyers_permission(request))
        return queryset.filter(pk__in=found), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        sees_buyers = self.has_buyers_permission(request)
        return [
            self._masked_buyer if name == "buyer_name" and not sees_buyers else name
            for name in self.list_display
        ]

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, order: Order) -> str:
        return format_html('<span class="hc-badge hc-{}">{}</span>', order.status, order.get_status_display())

    @admin.display(description=gettext_lazy("next"))
    def needed_next(self, order: Order) -> str:
        urgent = {purchase.status for purchase in getattr(order, "urgent_purchases", [])}
        label = next_step(order, urgent)
        is_urgent = bool(urgent) or order.wants_review
        return format_html('<strong class="hc-warn">{}</strong>', label) if is_urgent else label

    @admin.display(description=gettext_lazy("age"))
    def age(self, order: Order) -> str:
        created_at = order.created_at.isoformat(timespec="seconds")
        return format_html('<span title="{}">{}</span>', created_at, timesince(order.created_at, depth=1))

    @admin.display(description=gettext_lazy("total"))
    def total_shown(self, order: Order) -> str | None:
        return None if order.total is None else format_html("<bdi>{}</bdi>", format_money(order.total))

    @admin.display(description=gettext_lazy("buyer"))
    def buyer_name(self, order: Order) -> str:
        buyer = getattr(order, "buyer", None)
        return "" if buyer is None else f"{buyer.first_name} {buyer.last_name}".strip() or buyer.email

    @admin.display(description=gettext_lazy("buyer"))
    def _masked_buyer(self, order: Order) -> str:
        return MASKED if getattr(order, "buyer", None) is not None else ""

    @admin.action(description=gettext_lazy("Export as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> StreamingHttpResponse:
        """Stream the selected orders, without the buyer columns for users who may not see buyers."""
        lines = orders_as_csv(
            queryset.prefetch_related(None).select_related(None),
            with_buyers=self.has_buyers_permission(request),
        )
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M")
        response["Content-Disposition"] = f'attachment; filename="orders-{stamp}.csv"'
        response["Cache-Control"] = "no-store"
        return response

    # One order ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("attention/", wrap(self.attention_view), name="henry_checkout_attention"),
            path("doctor/", wrap(self.doctor_view), name="henry_checkout_doctor"),
            path(
                "<path:object_id>/do/<slug:action_name>/<int:target_id>/",
                wrap(self.action_view),
                name="henry_checkout_order_action",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the history of one order. `?at=` shows its state after that event."""
        order = self._order_or_404(request, object_id)
        at = request.GET.get("at", "")
        history = get_history(order, at=int(at) if at.isdecimal() and len(at) < 10 else None)
        context = {
            **self._order_context(request, order),
            **history_context(
                history,
                sees_buyer=self.has_buyers_permission(request),
                permissions={name: has_app_permission(request, name) for name in (OPERATE, RESOLVE)},
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/henry_checkout/order/change_form.html", context)

    def _order_context(self, request: HttpRequest, order: Order) -> dict[str, Any]:
        title = _("Order %(number)s") % {"number": order.number}
        return {**self.page_context(request, title), "order": order}

    def _order_or_404(self, request: HttpRequest, object_id: str) -> Order:
        order = Order.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if order is None:
            raise Http404
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        return order

    # Actions ------------------------------------------------------------------------------

    def action_view(
        self, request: HttpRequest, object_id: str, action_name: str, target_id: int
    ) -> HttpResponse:
        """Show an action's form; on a valid POST, run it and return to the order."""
        order = self._order_or_404(request, object_id)
        action = _action_or_404(request, action_name)
        target = order if action.target is Order else _target_or_404(action, order, target_id)
        back_url = reverse(f"{self.admin_site.name}:henry_checkout_order_change", args=[order.pk])
        if not action.is_offered(target):
            self.message_user(request, _("That is no longer needed."), messages.WARNING)
            return HttpResponseRedirect(back_url)
        form = action.form(request.POST or None, target=target)
        preview = None
        if request.method == "POST" and form.is_valid():
            try:
                preview = _preview(action, target, form)
                if preview is None:
                    self._run_action(request, order, action, form)
                    return HttpResponseRedirect(back_url)
            except (HenryCheckoutError, ConfigurationError) as error:
                form.add_error(None, error_message(error))
        context = {
            **self._order_context(request, order),
            "action": action,
            "form": form,
            "target": target,
            "preview": preview,
            "has_preview": action.preview is not None,
            "back_url": back_url,
        }
        return TemplateResponse(request, "admin/henry_checkout/order/action.html", context)

    def _run_action(self, request: HttpRequest, order: Order, action: OrderAction, form: ConfirmForm) -> None:
        message = action.run(form.target, form.cleaned_data, request.user.get_username())
        self.log_change(request, order, f"{action.label}: {message}")
        self.message_user(request, message, messages.SUCCESS)


def _action_or_404(request: HttpRequest, name: str) -> OrderAction:
    action = ORDER_ACTIONS.get(name)
    if action is None:
        raise Http404
    if not has_app_permission(request, action.permission):
        raise PermissionDenied
    return action


def _target_or_404(action: OrderAction, order: Order, target_id: int) -> Any:
    target = action.target.objects.filter(order=order, pk=target_id).first()
    if target is None:
        raise Http404
    return target


def _preview(action: OrderAction, target: Any, form: ConfirmForm) -> Any:
    """Return the preview of an action; None if it has none, or if the same input has been previewed."""
    if action.preview is None or form.cleaned_data.get("previewed") == form.cleaned_data.get("ref_id"):
        return None
    preview = action.preview(target, form.cleaned_data)
    form.data = {**dict(form.data.items()), "previewed": form.cleaned_data["ref_id"]}
    return preview
