// Texts and DOM helpers of <henry-checkout>. The template tags pass the texts of other languages.

export const TEXTS = {
  title: "Secure checkout", close: "Close", others: "Other ways to pay", here: "Pay here after all", opening: "Opening the payment page…",
  slow: "This takes longer than usual. You can wait, or open the payment page in a new window.",
  window: "Pay in the window that has opened. This page follows along.",
  focus: "Show the payment window", again: "Open the payment window again",
  popup: "Open in a new window", tab: "Open in a new tab", redirect: "Continue on this page", phone: "Pay on your phone",
  blocked: "Your browser has blocked the payment window.", refused: "The payment page cannot be shown inside this page.",
  failing: "The payment page does not answer here.", tabbed: "Pay in the tab that has opened. This page follows along.",
  scan: "Scan this code with your phone to pay there. This page follows along.",
  checking: "We are checking your payment. You can leave this page: your order goes on without it.",
  unsure: "We have not seen a payment yet. If the payment window is still open, go on there.",
  later: "Your payment is still being confirmed. We will tell you as soon as it is.",
  completed: "Thank you, your payment has arrived.", failed: "The payment did not go through. Nothing was charged.",
  ended: "This order did not go through.", order: "See what happened",
  expired: "Time is over for this payment. Your cart is kept.", trouble: "That did not work. Nothing was charged.",
  retry: "Try again", ending: "This payment closes soon.", more: "I need more time", extended: "You have more time now.",
};

/** Creates an element: `on...` attributes are listeners; false, null and undefined are left out. */
export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
};
export const ICONS = {
  completed: ["good", "M5 12.5l4.5 4.5L19 7.5"], partly_completed: ["good", "M5 12.5l4.5 4.5L19 7.5"],
  failed: ["bad", "M12 6.5v7M12 17.3v.1"], expired: ["warn", "M12 7.5V12l3 2M12 4a8 8 0 1 0 .01 0"],
  popup: ["accent", "M4 6.5h16v12H4zM4 10h16"], tab: ["accent", "M4 6.5h16v12H4zM4 10h16"], tabbed: ["accent", "M4 6.5h16v12H4zM4 10h16"], redirect: ["accent", "M5 12h13M13 7l5 5-5 5"],
};
export function icon(tone, path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", "24"], ["height", "24"]]) svg.setAttribute(name, value);
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  svg.firstChild.setAttribute("d", path);
  return make("span", { class: `henry-icon henry-${tone}`, "aria-hidden": "true" }, svg);
}
