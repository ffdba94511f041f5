from __future__ import annotations

from django.urls import path

from example_project.shop import checkout_views, views

app_name = "shop"

urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("cart/", views.cart, name="cart"),
    path("cart/lines/<int:line_pk>/", views.change_line, name="change_line"),
    path("checkout/", checkout_views.checkout, name="checkout"),
    path("checkout/embedded/", checkout_views.embedded, name="embedded"),
    path("checkout/form/", checkout_views.begin_form, name="begin_form"),
    path("checkout/form/<str:order_id>/", checkout_views.form, name="form"),
    path("on-your-phone/", checkout_views.on_your_phone, name="on_your_phone"),
    path("orders/", views.orders, name="orders"),
    path("orders/<str:order_id>/", views.order, name="order"),
]
