// Enhances pages that also work without scripts: live totals, card formatting, protection from double clicks.
"use strict";
(() => {
  const form = document.querySelector("[data-checkout]");
  const summary = document.querySelector("[data-summary]");
  const wide = matchMedia("(min-width: 900px)");
  if (summary) {
    const label = summary.querySelector("summary");
    const updateSummary = () => {
      summary.open = wide.matches;
      // On a wide screen the summary is always open, so its toggle is not focusable there.
      label.tabIndex = wide.matches ? -1 : 0;
    };
    wide.addEventListener("change", updateSummary);
    updateSummary();
  }

  document.querySelector("[data-focus]")?.focus();
  if (!form) return;
  form.querySelector("[data-without-script]")?.remove();

  const dollars = (cents) =>
    "$" + (cents / 100).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  function show(name, value) {
    document.querySelectorAll(`[data-total="${name}"]`).forEach((element) => { element.textContent = value; });
  }

  function updateTotals() {
    const amount = (name) => Number(form.dataset[name]);
    const chosen = [...form.querySelectorAll("[data-cost]:checked")];
    const shipping = chosen.reduce((sum, radio) => sum + Number(radio.dataset.cost), 0);
    const base = amount("base") - amount("discount") + amount("tax") + shipping;
    const fee = Math.floor((base * amount("feePercent") + 5000) / 10000) + amount("feeFixed");
    show("shipping", shipping ? dollars(shipping) : "Free");
    show("fee", dollars(fee));
    show("total", dollars(base + fee));
    return base + fee;
  }

  form.querySelectorAll("[data-cost]").forEach((radio) => {
    radio.addEventListener("change", () => {
      form.querySelector("[data-live]").textContent = `Total ${dollars(updateTotals())}`;
    });
  });
  const hasTotal = "base" in form.dataset;
  if (hasTotal) updateTotals();

  function formatInput(name, format) {
    const input = form.elements.namedItem(name);
    if (!input) return;
    input.addEventListener("input", () => {
      const digitsBefore = input.value.slice(0, input.selectionStart).replace(/\D/g, "").length;
      const atEnd = input.selectionStart === input.value.length;
      input.value = format(input.value.replace(/\D/g, ""), input.value);
      let at = input.value.length;
      if (!atEnd) {
        let remaining = digitsBefore;
        for (at = 0; remaining > 0 && at < input.value.length; at += 1) {
          if (/\d/.test(input.value[at])) remaining -= 1;
        }
      }
      input.setSelectionRange(at, at);
    });
  }
  formatInput("card_number", (digits) => digits.slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 "));
  formatInput("card_cvc", (digits) => digits.slice(0, 4));
  formatInput("card_expiry", (digits, typed) => {
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
  const defaultLabel = payLabel.innerHTML;
  form.addEventListener("submit", (event) => {
    if (pay.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    pay.setAttribute("aria-disabled", "true");
    payLabel.textContent = pay.dataset.busy;
  });
  // Re-enable the form when the browser restores the page after "back".
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    pay.removeAttribute("aria-disabled");
    payLabel.innerHTML = defaultLabel;
    if (hasTotal) updateTotals();
  });
})();
