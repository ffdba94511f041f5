// A page that waits for a payment: reloads once the server knows the outcome. Without scripts `meta refresh` does it.

import { StatePoller } from "./henry-bridge.js";

for (const element of document.querySelectorAll("[data-henry-poll]")) {
  const poller = new StatePoller(element.dataset.henryPoll, (state) => {
    if (!state.outcome) return;
    poller.stop();
    location.reload(); // the server then redirects
  });
  if ("verify" in element.dataset) poller.verify(); // the shopper has just returned from the payment page
}
