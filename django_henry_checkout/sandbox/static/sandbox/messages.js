// Messages of a page to the page that embeds or opened it.
"use strict";
(() => {
  const body = document.body.dataset;
  const isFramed = window.parent !== window;
  const target = isFramed ? window.parent : window.opener;
  const LATE_MS = 5000;

  // The scenario selects the mode; `json` is the format that native web views get.
  const post = (message) => target.postMessage(message, body.origin || "*");
  const modes = {
    usual: post,
    none: () => {},
    twice: (message) => { post(message); post(message); },
    late: (message) => setTimeout(post, LATE_MS, message),
    json: (message) => post(JSON.stringify(message)),
  };

  function send(message) {
    if (target) modes[body.messages](message);
  }

  // Checkout and receipt

  const order = body.order ? { orderId: body.order, status: body.status } : {};
  if (body.announce) send({ action: body.announce, ...order });
  // The message of the card page is not documented; an early demo of Henry reads `status`.
  if ("complete" in body) send({ status: "complete" });

  const done = document.querySelector("[data-done]");
  if (done) {
    done.addEventListener("click", (event) => {
      send({ action: "checkoutClosed", ...order });
      if (isFramed && done.target === "_top") {
        // The shop may close the frame itself; otherwise navigate to it.
        event.preventDefault();
        setTimeout(() => window.open(done.href, "_top"), 700);
      } else if (window.opener && done.pathname.endsWith("/closed")) {
        event.preventDefault();
        window.close();
        // A browser may refuse to close the window; then show that it can be closed.
        setTimeout(() => location.assign(done.href), 200);
      }
    });
  }

  const cancel = document.querySelector("[data-cancel]");
  if (cancel && isFramed && cancel.target === "_top") {
    cancel.addEventListener("click", () => send({ action: "checkoutClosed" }));
  }

  // The card element

  if ("element" in body) {
    if (body.token) send({ action: "cardTokenized", cardToken: body.token, last4: body.last4 });
    let lastHeight = -1;
    const postHeight = () => {
      const height = Math.ceil(document.body.getBoundingClientRect().height);
      if (height === lastHeight) return;
      lastHeight = height;
      send({ action: "cardElementReady", height });
    };
    postHeight();
    new ResizeObserver(postHeight).observe(document.body);
  }
})();
