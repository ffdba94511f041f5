from __future__ import annotations

from tests.sandbox.client import Client


def test_the_catalogue_lists_products_with_pictures(sandbox: Client) -> None:
    catalogue = sandbox.control("catalogue")
    assert len(catalogue["products"]) >= 30
    assert len(catalogue["merchants"]) >= 5
    links = {product["link"] for product in catalogue["products"]}
    assert len(links) == len(catalogue["products"])
    pictures = set()
    for product in catalogue["products"]:
        assert product["link"].startswith(f"https://{product['host']}/products/")
        response = sandbox.session.get(product["imageUrl"], timeout=5)
        assert response.headers["Content-Type"] == "image/svg+xml"
        pictures.add(response.content)
    assert len(pictures) == len(links)
    assert sandbox.raw("GET", "/pictures/nothing.svg").status_code == 404
