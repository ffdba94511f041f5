// A return page in a frame or a popup: notifies its parent or opener that the shopper has returned.
// `UC:...` goes to the origin that requested the payment token; the other message goes to our wrapper and button.

for (const element of document.querySelectorAll("[data-henry-framed]")) {
  const { henryFramed: text, origin } = element.dataset;
  for (const target of new Set([window.parent, window.opener])) {
    if (!target || target === window) continue;
    target.postMessage({ henry: "returned" }, location.origin);
    if (text) target.postMessage(text, origin);
  }
}
