from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

if settings.METRICS_TOKEN:  # needs prometheus_client
    from example_project.shop.metrics import metrics

urlpatterns = [
    path("", include("example_project.shop.urls")),
    path("henry/", include("django_henry_checkout.urls")),
    path(
        "accounts/login/",
        LoginView.as_view(template_name="shop/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    *staticfiles_urlpatterns(),  # with DEBUG only, for servers that do not serve them by themselves
]
if settings.METRICS_TOKEN:
    urlpatterns += [path("metrics", metrics, name="metrics")]
