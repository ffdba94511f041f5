// What a page tells the page around it, or the one that opened it: when, to whom and in which manner.
"use strict";
(() => {
  const body = document.body.dataset;
  const isFramed = window.parent !== window;
  const listener = isFramed ? window.parent : window.opener;
  const LATE_MS = 5000;

  // The manner comes from the scenario of the sandbox; `json` is what native web views get.
  const post = (message) => listener.postMessage(message, body.origin || "*");
  const manners = {
    usual: post,
    none: () => {},
    twice: (message) => { post(message); post(message); },
    late: (message) => setTimeout(post, LATE_MS, message),
    json: (message) => post(JSON.stringify(message)),
  };

  function tell(message) {
    if (listener) manners[body.messages](message);
  }

  // The checkout and its end

  const order = body.order ? { orderId: body.order, status: body.status } : {};
  if (body.announce) tell({ action: body.announce, ...order });
  // What the card page says at its end is not known; `status` is what an early demo of Henry's looked at.
  if ("complete" in body) tell({ status: "complete" });

  const done = document.querySelector("[data-done]");
  if (done) {
    done.addEventListener("click", (event) => {
      tell({ action: "checkoutClosed", ...order });
      if (isFramed && done.target === "_top") {
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
  if (cancel && isFramed && cancel.target === "_top") {
    cancel.addEventListener("click", () => tell({ action: "checkoutClosed" }));
  }

  // The card element

  if ("element" in body) {
    if (body.token) tell({ action: "cardTokenized", cardToken: body.token, last4: body.last4 });
    let known = -1;
    const tellHeight = () => {
      const height = Math.ceil(document.body.getBoundingClientRect().height);
      if (height === known) return;
      known = height;
      tell({ action: "cardElementReady", height });
    };
    tellHeight();
    new ResizeObserver(tellHeight).observe(document.body);
  }
})();
