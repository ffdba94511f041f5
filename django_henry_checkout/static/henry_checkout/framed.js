// In a frame of the shop's page: tells that page, and no other, how the payment ended.

for (const note of document.querySelectorAll("[data-henry-framed]")) {
  const { henryFramed: text, origin } = note.dataset;
  if (window.parent !== window) window.parent.postMessage(text, origin);
  if (window.opener) window.opener.postMessage(text, origin);
}
