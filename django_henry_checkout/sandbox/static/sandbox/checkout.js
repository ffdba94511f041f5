// Comfort on top of pages that work without it: totals, card spacing, one click on Pay, messages to the shop.
"use strict";
(() => {
  const body = document.body.dataset;
  const form = document.querySelector("[data-checkout]");

  // Messages to the shop

  const listener = window.parent !== window ? window.parent : window.opener;

  function announce(action, details) {
    if (listener) listener.postMessage({ action, ...details }, body.origin || "*");
  }

  const order = body.order ? { orderId: body.order, status: body.status } : {};
  if (body.announce) announce(body.announce, order);
  // What the card page says at its end is not known; `status` is what an early demo of Henry's looked at.
  if ("complete" in body && listener) listener.postMessage({ status: "complete" }, body.origin || "*");

  const done = document.querySelector("[data-done]");
  if (done) {
    done.addEventListener("click", (event) => {
      announce("checkoutClosed", order);
      if (window.parent !== window && done.target === "_top") {
        // The shop may close the frame by itself; only if it does not, take the shopper there.
        event.preventDefault();
        setTimeout(() => window.open(done.href, "_top"), 700);
      } else if (window.opener && done.pathname.endsWith("/closed")) {
        event.preventDefault();
        window.close();
        // A browser may refuse to close it; then say that it can be closed.
        setTimeout(() => location.assign(done.href), 200);
      }
    });
  }

  const cancel = document.querySelector("[data-cancel]");
  if (cancel && window.parent !== window && cancel.target === "_top") {
    cancel.addEventListener("click", () => announce("checkoutClosed", {}));
  }

  // The rest belongs to the form

  const summary = document.querySelector("[data-summary]");
  const wide = matchMedia("(min-width: 900px)");
  if (summary) {
    const label = summary.querySelector("summary");
    const fit = () => {
      summary.open = wide.matches;
      // On a wide screen the summary is always open, so its handle is no control there.
      label.tabIndex = wide.matches ? -1 : 0;
    };
    wide.addEventListener("change", fit);
    fit();
  }

  const problems = document.getElementById("errors");
  if (problems) problems.focus();
  if (!form) return;
  form.querySelector("[data-without-script]")?.remove();

  const dollars = (cents) =>
    "$" + (cents / 100).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  function show(name, value) {
    document.querySelectorAll(`[data-total="${name}"]`).forEach((spot) => { spot.textContent = value; });
  }

  function total() {
    const given = (name) => Number(form.dataset[name]);
    const chosen = [...form.querySelectorAll("[data-cost]:checked")];
    const shipping = chosen.reduce((sum, radio) => sum + Number(radio.dataset.cost), 0);
    const base = given("base") - given("discount") + given("tax") + shipping;
    const fee = Math.floor((base * given("feePercent") + 5000) / 10000) + given("feeFixed");
    show("shipping", shipping ? dollars(shipping) : "Free");
    show("fee", dollars(fee));
    show("total", dollars(base + fee));
    return base + fee;
  }

  form.querySelectorAll("[data-cost]").forEach((radio) => {
    radio.addEventListener("change", () => {
      form.querySelector("[data-live]").textContent = `Total ${dollars(total())}`;
    });
  });
  const hasTotal = "base" in form.dataset;
  if (hasTotal) total();

  function reshape(name, shape) {
    const input = form.elements.namedItem(name);
    if (!input) return;
    input.addEventListener("input", () => {
      const before = input.value.slice(0, input.selectionStart).replace(/\D/g, "").length;
      const atEnd = input.selectionStart === input.value.length;
      input.value = shape(input.value.replace(/\D/g, ""), input.value);
      let at = input.value.length;
      if (!atEnd) {
        let left = before;
        for (at = 0; left > 0 && at < input.value.length; at += 1) {
          if (/\d/.test(input.value[at])) left -= 1;
        }
      }
      input.setSelectionRange(at, at);
    });
  }
  reshape("card_number", (digits) => digits.slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 "));
  reshape("card_cvc", (digits) => digits.slice(0, 4));
  reshape("card_expiry", (digits, typed) => {
    const full = /^[2-9]$/.test(digits) ? "0" + digits : digits.slice(0, 2) + digits.slice(digits.length > 4 ? -2 : 2);
    if (full.length > 2) return full.slice(0, 2) + " / " + full.slice(2, 4);
    return full.length === 2 && /\/\s*$/.test(typed) ? full + " / " : full;
  });

  const country = form.elements.namedItem("country");
  if (country) {
    const labels = JSON.parse(document.getElementById("place-labels").textContent);
    const label = (name) => form.querySelector(`label[for="id_${name}"] .label-text`);
    country.addEventListener("change", () => {
      const [province, postal] = labels[country.value] || labels[""];
      label("province").textContent = province;
      label("postal_code").textContent = postal;
    });
  }

  const pay = form.querySelector("[data-pay]");
  const payLabel = form.querySelector("[data-pay-label]");
  const usual = payLabel.innerHTML;
  form.addEventListener("submit", (event) => {
    if (pay.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    pay.setAttribute("aria-disabled", "true");
    payLabel.textContent = pay.dataset.busy;
  });
  // A page that the browser shows again after "back" must be usable again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    pay.removeAttribute("aria-disabled");
    payLabel.innerHTML = usual;
    if (hasTotal) total();
  });
})();
