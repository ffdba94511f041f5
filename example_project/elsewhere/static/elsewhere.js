// The storefront's page: it gets a checkout from its own server, shows it, and has its server check how it ended.

import "/henry/henry-checkout.js";

const pay = document.querySelector("#pay");
const said = document.querySelector(".said");
const thanks = document.querySelector(".thanks");
const money = ({ value, currency }) => new Intl.NumberFormat("en-US", { style: "currency", currency }).format(Number(value));

async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", body: body && JSON.stringify(body) });
  const content = await answer.json();
  if (!answer.ok) throw content;
  return content;
}

pay.begin = () => ask("/checkout");

pay.addEventListener("henry:state", ({ detail }) => {
  if (detail.state !== "opening") return;
  said.textContent = "";
  queueMicrotask(() => pay.querySelector(".henry-view h2")?.focus()); // the button that was pressed is gone
});

pay.addEventListener("henry:cancel", () => {
  said.textContent = "No hurry. The set is here whenever you are.";
  queueMicrotask(() => pay.querySelector(".go").focus());
});

pay.addEventListener("henry:error", ({ detail }) => {
  said.textContent = detail.code === "expired" ? "The set is still here. Start again whenever you like." : "Nothing was charged.";
});

pay.addEventListener("henry:complete", async (event) => {
  event.preventDefault(); // we say thank you on our own page
  try {
    thank(await ask("/thanks", { receipt: event.detail.receipt }));
  } catch (error) {
    said.textContent = error.text ?? "We cannot confirm your payment just now. Your order goes on all the same.";
  }
});

function thank({ orderNumber, isPaid, subtotal, total, items }) {
  if (!isPaid) {
    said.textContent = `Order ${orderNumber} is being confirmed. We will write to you.`;
    return;
  }
  thanks.querySelector(".lead").textContent = `Order ${orderNumber} is paid.`;
  thanks.querySelector(".inside").replaceChildren(...items.map(({ title, quantity }) => {
    const row = document.createElement("li");
    row.append(Object.assign(document.createElement("b"), { textContent: title }));
    row.append(Object.assign(document.createElement("span"), { textContent: `× ${quantity}` }));
    return row;
  }));
  thanks.querySelector(".sum span").textContent = total ? "Total" : "Before delivery and tax"; // they come a little later
  thanks.querySelector(".sum strong").textContent = money(total ?? subtotal);
  pay.close();
  document.body.classList.add("paid");
  thanks.hidden = false;
  thanks.querySelector("h2").focus();
}
