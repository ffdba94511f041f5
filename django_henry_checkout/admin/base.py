from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.admin.paging import BoundedPaginator
from django_henry_checkout.conf import app_settings
from django_henry_checkout.models import Order
from django_henry_checkout.models.orders import OPERATE, SEE_BUYERS
from django_henry_checkout.types import parse_public_id

if TYPE_CHECKING:
    # Generic for the type checker only: Django's own classes cannot be subscripted when they run.
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline


def may(request: HttpRequest, permission: str) -> bool:
    """Whether a person has one of the app's own permissions: OPERATE, RESOLVE or SEE_BUYERS."""
    label = Order._meta.app_label  # noqa: SLF001 - Django's public name for it
    return bool(request.user.is_active and request.user.has_perm(f"{label}.{permission}"))


class AccountFilter(admin.SimpleListFilter):
    """The accounts of the settings: to look for them in the table would read all of it."""

    title = _("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(alias, alias) for alias in app_settings.account_aliases]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(account=value)


class ReadOnlyAdmin(_ModelAdmin):
    """Shows records and changes none: state moves through flows, and what happened stays."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count the table
    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 0
    change_list_template = "admin/henry_checkout/change_list.html"
    sortable_by = ()  # by newest: other orders have no index
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
        """Whether a person may let flows act."""
        return may(request, OPERATE)

    def has_buyers_permission(self, request: HttpRequest) -> bool:
        """Whether a person may see who bought."""
        return may(request, SEE_BUYERS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find a record by its ULID too, which is what the pages show."""
        public_id = parse_public_id(search_term.strip())
        if public_id is not None and hasattr(self.model, "public_id"):
            return queryset.filter(public_id=public_id), False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyInline(_TabularInline):
    """Rows of a parent record, to look at."""

    extra = 0
    can_delete = False
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return list(self.fields or [])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
