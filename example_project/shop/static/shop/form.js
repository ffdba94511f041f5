// Once the shop's own form has been paid, the order goes on on its own page.

document.addEventListener("henry:complete", () => {
  location.assign(document.querySelector("[data-order-page]").dataset.orderPage);
});
