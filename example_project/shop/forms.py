from __future__ import annotations

from typing import Any

from django import forms

from django_henry_checkout import shop
from example_project.shop.models import Product


class AddToCartForm(forms.Form):
    """A select for each option of the product, and a quantity."""

    def __init__(self, product: Product, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.product = product
        for number, option in enumerate(product.options):
            choices = [(value, value) for value in option["values"]]
            self.fields[f"option_{number}"] = forms.ChoiceField(label=option["name"], choices=choices)
        self.fields["quantity"] = forms.IntegerField(min_value=1, max_value=99, initial=1)

    def as_item(self) -> shop.LineItem:
        """Return what the shopper chose, ready for the cart."""
        chosen = dict(self.cleaned_data)
        return self.product.as_item(quantity=chosen.pop("quantity"), selected_options=list(chosen.values()))
