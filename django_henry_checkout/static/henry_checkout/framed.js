// A return page in a frame or a window: tells the page that shows it that there is news, and no other page.
// `UC:...` is for pages at the origin that asked for the payment token; the wrapper and the button are ours.

for (const note of document.querySelectorAll("[data-henry-framed]")) {
  const { henryFramed: text, origin } = note.dataset;
  for (const window_ of new Set([window.parent, window.opener])) {
    if (!window_ || window_ === window) continue;
    window_.postMessage({ henry: "returned" }, location.origin);
    if (text) window_.postMessage(text, origin);
  }
}
