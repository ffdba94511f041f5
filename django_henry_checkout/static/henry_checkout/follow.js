// A page that waits for a payment: goes on as soon as the server knows more. Without this script it reloads itself.

import { Follower } from "./henry-bridge.js";

for (const place of document.querySelectorAll("[data-henry-follow]")) {
  const follower = new Follower(place.dataset.henryFollow, (state) => {
    if (!state.outcome) return;
    follower.stop();
    location.reload(); // the page itself knows where to go from here
  });
  if ("asks" in place.dataset) follower.verify(); // somebody has just come back from paying
}
