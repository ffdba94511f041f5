"""Read-only base classes that the app's admins share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.conf import app_settings
from django_henry_checkout.models import Order
from django_henry_checkout.models.orders import OPERATE, SEE_BUYERS
from django_henry_checkout.types import parse_public_id

if TYPE_CHECKING:
    # Generic for the type checker only: Django's own classes cannot be subscripted at run time.
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline

#: Rows that a list pages through. Filters and the search reach older ones.
MAX_COUNTED_ROWS = 1000


def has_app_permission(request: HttpRequest, permission: str) -> bool:
    """Return whether the user has one of the app's own permissions: OPERATE, RESOLVE or SEE_BUYERS."""
    label = Order._meta.app_label  # noqa: SLF001 - Django's public name for it
    return bool(request.user.is_active and request.user.has_perm(f"{label}.{permission}"))


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Count at most `MAX_COUNTED_ROWS` rows: a count of a large table reads all of it."""

    @cached_property
    def count(self) -> int:
        """Number of rows that can be paged through."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MAX_COUNTED_ROWS].count())


class AccountFilter(admin.SimpleListFilter):
    """Filter by account. The choices come from the settings: a DISTINCT query would read the whole table."""

    title = _("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(alias, alias) for alias in app_settings.account_aliases]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(account=value)


class ReadOnlyAdmin(_ModelAdmin):
    """Show records without editing them: state changes only through flows, and history is append-only."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # facets count the whole table
    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 0
    change_list_template = "admin/henry_checkout/change_list.html"
    sortable_by = ()  # newest first only: no other order has an index
    ordering = ["-pk"]

    class Media:
        css = {"all": ["henry_checkout/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may run operator actions."""
        return has_app_permission(request, OPERATE)

    def has_buyers_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may see buyers' personal data."""
        return has_app_permission(request, SEE_BUYERS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also find a record by the ULID that the pages show."""
        public_id = parse_public_id(search_term.strip())
        if public_id is not None and hasattr(self.model, "public_id"):
            return queryset.filter(public_id=public_id), False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyInline(_TabularInline):
    """Show the child rows of a record without editing them."""

    extra = 0
    can_delete = False
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return list(self.fields or [])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
