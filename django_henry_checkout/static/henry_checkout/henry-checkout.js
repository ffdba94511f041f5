// <henry-checkout>: pays a cart without leaving the shop's page, in the best way that works here.
//
// It upgrades the form inside it; take the script away and the form still pays. Ways, from the best down: a frame,
// a window, a tab, this very page, a phone. What a window or a frame says is a hint to ask our server, and only our
// server's answer ends a checkout. The docs (embedding) list the attributes and the `henry:...` events.

import { Follower, Gate, LIMITS, SECOND, Wrapper, readHenry } from "./henry-bridge.js";

const LADDER = ["iframe", "popup", "tab", "redirect", "phone"];
const HEIGHT = { min: 320, max: 4000, jitter: 2, changes: 60 };
const TEXTS = {
  title: "Secure checkout", close: "Close", others: "Other ways to pay", opening: "Opening the payment page…",
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

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
};
const ICONS = {
  completed: ["good", "M5 12.5l4.5 4.5L19 7.5"], partly_completed: ["good", "M5 12.5l4.5 4.5L19 7.5"],
  failed: ["bad", "M12 6.5v7M12 17.3v.1"], expired: ["warn", "M12 7.5V12l3 2M12 4a8 8 0 1 0 .01 0"],
  popup: ["accent", "M4 6.5h16v12H4zM4 10h16"], tab: ["accent", "M4 6.5h16v12H4zM4 10h16"], redirect: ["accent", "M5 12h13M13 7l5 5-5 5"],
};
function picture(tone, path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", "24"], ["height", "24"]]) svg.setAttribute(name, value);
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  svg.firstChild.setAttribute("d", path);
  return make("span", { class: `henry-icon henry-${tone}`, "aria-hidden": "true" }, svg);
}
let mounts = 0;

/** One checkout being shown, from the click to its end. */
class Checkout {
  state = "idle"; #host; #say; #limits; #data = {}; #way = ""; #view; #follower; #wrapper; #popup; #timers = new Set();
  #stop = new AbortController(); #gate = new Gate(); #isOver = false; #isChecking = false; #claim = null; #warned = false; #outcome = "";

  constructor(host, { texts, limits }) {
    [this.#host, this.#say, this.#limits] = [host, texts, limits];
    window.addEventListener("message", (event) => this.#hear(event), { signal: this.#stop.signal });
  }

  async open() {
    const first = this.#firstWay();
    if (first === "popup") this.#openWindow(); // within the click, or it would be blocked
    this.#move("opening");
    this.#show(first === "iframe" ? "opening" : "window");
    try {
      this.#data = await (this.#host.begin ? this.#host.begin(first) : this.#begin(first));
    } catch (error) {
      if (!this.#isOver) this.#fail(error.code ?? "unreachable", error.text);
      return;
    }
    if (this.#isOver || !this.#data.payUrl) this.#popup?.close();
    if (this.#isOver) return;
    if (!this.#data.payUrl) return location.assign(this.#data.next); // bought already
    if (this.#data.stateUrl) this.#follower = new Follower(this.#data.stateUrl, (state) => this.#take(state), this.#limits);
    this.#emit("open", {});
    this.#go(first);
  }
  #firstWay() { return this.#host.mode === "popup" ? "popup" : "iframe"; }
  async #begin(way) {
    const form = this.#host.querySelector("form");
    const body = new FormData(form);
    body.set("mode", way);
    const signal = AbortSignal.timeout(60 * SECOND);
    const answer = await fetch(form.action, { method: "POST", body, signal, headers: { Accept: "application/json" } });
    const content = await answer.json().catch(() => ({}));
    if (!answer.ok) throw { code: content.code ?? `http_${answer.status}`, text: content.detail };
    return content;
  }

  // Ways -----------------------------------------------------------------------------------

  #go(way, reason = "") {
    const from = this.#way;
    this.#way = way;
    this.#clear();
    if (reason) this.#emit("fallback", { from, to: way, reason });
    if (way === "iframe") return this.#data.frameUrl ? this.#frame() : this.#down(this.#data.frameTrouble || "framing_refused");
    this.#hideFrame();
    if (way === "popup") return this.#window();
    if (way === "phone") return this.#panel(this.#say.scan, this.#code());
    this.#panel(this.#because(reason));
  }
  #down(reason) { this.#go(LADDER[Math.min(LADDER.indexOf(this.#way) + 1, LADDER.length - 1)], reason); }
  #because(reason) {
    return { popup_blocked: this.#say.blocked, page_failing: this.#say.failing, load_timeout: this.#say.failing }[reason] ?? this.#say.refused;
  }

  #frame() {
    const { frameUrl, sessionId, paymentOrigins = [] } = this.#data;
    const around = ["'src'", ...paymentOrigins].join(" ");
    const url = new URL(frameUrl, location.href);
    if (this.#host.theme) url.searchParams.set("theme", this.#host.theme);
    const frame = make("iframe", {
      class: "henry-payment", title: this.#say.title, name: `henry-frame-${++mounts}`, referrerpolicy: "strict-origin", loading: "eager",
      allow: `payment ${around}; publickey-credentials-get ${around}; clipboard-write ${around}`,
    });
    this.#move("loading");
    this.#part("pane").hidden = true;
    this.#part("stage").prepend(frame);
    this.#busy(true);
    this.#offer();
    this.#wrapper = new Wrapper(frame, frameUrl, {
      session: sessionId, follows: Boolean(this.#follower),
      tell: (name, params) => this.#hearWrapper(name, params), reject: (reason, event) => this.#reject(reason, event),
    });
    frame.src = url.href; // after the listener
    this.#after(this.#limits.soft, () => this.#notice(this.#say.slow));
    this.#after(this.#limits.hard, () => this.#down("load_timeout"));
  }
  #hearWrapper(name, params) {
    if (name === "opened") { this.#clear(); this.#notice(""); this.#busy(false); if (this.state === "loading") this.#move("interactive"); }
    else if (name === "state") this.#take(params);
    else if (name === "hint") this.#heed(String(params.kind), String(params.orderId ?? ""));
    else if (name === "failed") this.#down(String(params.code));
    else if (name === "resized") this.#resize(Number(params.height));
    else if (name === "rejected" && this.#host.debug) this.#emit("rejected", { reason: String(params.reason), where: "frame" });
  }
  #resizes = 0;
  #resize(height) {
    const frame = this.#view?.querySelector("iframe");
    const fits = Math.min(Math.max(height, HEIGHT.min), HEIGHT.max);
    if (!frame || !(Math.abs(fits - frame.clientHeight) > HEIGHT.jitter) || this.#resizes >= HEIGHT.changes) return;
    this.#resizes += 1; // a page that grows with each message is not followed for ever
    requestAnimationFrame(() => { frame.style.blockSize = `${fits}px`; });
  }

  #openWindow() {
    const width = Math.min(520, screen.availWidth * 0.9);
    const height = Math.min(750, screen.availHeight * 0.9);
    const left = Math.max(0, (screen.availWidth - width) / 2);
    this.#popup = window.open("about:blank", `henry-window-${++mounts}`, `popup,width=${width},height=${height},left=${left},top=60`);
  }
  #window() {
    if (!this.#popup || this.#popup.closed) this.#openWindow();
    if (!this.#popup) return this.#down("popup_blocked");
    try { this.#popup.location.replace(new URL(this.#data.payUrl, location.href).href); } catch { return this.#down("popup_blocked"); }
    this.#move("interactive");
    this.#panel(this.#say.window);
    let looks = 0; // twice, for browsers say "closed" too early; or it is only out of reach, which nobody can tell
    const look = () => { looks = this.#popup?.closed ? looks + 1 : 0; if (looks === 2) this.#heed("returned"); return looks; };
    const watch = () => this.#after(look() === 1 ? 200 : this.#limits.look, () => { if (looks < 2) watch(); });
    watch();
    window.addEventListener("focus", () => this.#after(50, look), { signal: this.#stop.signal });
  }

  // News -----------------------------------------------------------------------------------

  #hear(event) {
    if (!this.#popup || event.source !== this.#popup) {
      if (this.#host.debug && !this.#wrapper) this.#reject("source", event);
      return;
    }
    if (!this.#gate.isOpen()) return this.#reject("rate", event);
    if (event.origin === location.origin) { if (Object(event.data).henry === "returned") this.#heed("returned"); return; }
    const { hint, orderId, rejected } = readHenry(event, { source: this.#popup, origins: this.#data.paymentOrigins ?? [] });
    if (rejected) return this.#reject(rejected, event);
    this.#heed(hint, orderId);
  }
  #rejections = 0;
  #reject(reason, event) {
    if (this.#host.debug && ++this.#rejections <= 1000) this.#emit("rejected", { reason, origin: event.origin, where: "page" });
  }
  /** A hint makes us ask; only the server's answer ends anything. A payment that was claimed is waited for longer. */
  async #heed(kind, orderId = "") {
    if (kind === "completed") this.#claim = { orderId };
    if (this.#isOver || this.#isChecking) return;
    this.#isChecking = true;
    this.#move("verifying");
    this.#notice(this.#say.checking);
    if (kind === "closed") await this.#ask("look");
    else await (this.#follower ? this.#follower.verify(orderId) : this.#ask("look"));
    this.#isChecking = false;
    if (this.#isOver) return;
    if (kind === "completed") return this.#notice(this.#say.later);
    if (this.#claim) return this.#heed("completed", this.#claim.orderId); // said meanwhile
    this.#move("interactive");
    if (kind === "closed") { this.#emit("cancel", { outcome: "" }); return this.stop(); } // it can be gone on with
    if (this.#way === "iframe") this.#notice(this.#say.unsure); else this.#panel(this.#say.unsure);
  }
  #ask(action) { return (this.#follower ?? this.#wrapper)?.ask(action); }
  #take(state) {
    if (this.#isOver) return;
    this.#data = { ...this.#data, sessionId: state.sessionId, orderId: state.orderId, orderNumber: state.orderNumber };
    this.#watchTime(state.expiresIn);
    if (state.outcome) this.#end(state);
  }
  #watchTime(seconds) {
    if (this.#warned || !(seconds * SECOND < this.#limits.warn) || this.state === "verifying") return;
    this.#warned = true;
    this.#notice(this.#say.ending, make("button", { type: "button", class: "henry-link", onclick: () => this.#extend() }, this.#say.more));
  }
  async #extend() {
    const state = await this.#ask("extend");
    if (!state?.extended) return this.#host.restart();
    this.#warned = false;
    this.#notice(this.#say.extended);
  }

  // Ends -----------------------------------------------------------------------------------

  #end(state) {
    const { outcome, next, receipt } = state; // the ids are in each event
    const detail = { outcome, next, receipt };
    this.#outcome = outcome;
    this.#move(outcome, state.version);
    this.#release();
    this.#view?.querySelector("iframe")?.remove();
    if (outcome === "cancelled") { this.#emit("cancel", detail); this.#close(); return; }
    if (outcome === "failed" || outcome === "expired") {
      this.#emit("error", { ...detail, code: outcome });
      const isPaid = state.orderStatus !== "open"; // but could not be bought: its page tells what became of it
      return this.#panel(isPaid ? this.#say.ended : this.#say[outcome], isPaid
        ? make("a", { class: "henry-button", href: next, target: "_top" }, this.#say.order) : this.#button(this.#say.retry, () => this.#host.restart()));
    }
    const goesOn = this.#emit("complete", detail);
    this.#panel(this.#say.completed);
    const isOurs = next && new URL(next).origin === location.origin;
    if (goesOn && isOurs) setTimeout(() => this.#host.isConnected && location.assign(next), this.#limits.goOn);
  }
  #fail(code, text) {
    this.#popup?.close();
    this.#move("failed");
    this.#release();
    this.#emit("error", { code });
    const form = this.#host.querySelector("form");
    this.#panel(text || this.#say.trouble, this.#button(this.#say.retry, () => this.#host.restart()),
      form && this.#button(this.#say.redirect, () => form.submit(), "henry-quiet"));
  }
  /** The person wants to leave. What may have been paid is not thrown away: the server decides. */
  async leave() {
    if (this.#isOver) return this.#close();
    this.#notice(this.#say.checking);
    if (this.#isChecking) return;
    if (this.state !== "verifying") await this.#ask("cancel"); // else it may be paid: the order goes on unseen
    if (this.#isOver) return;
    this.#emit("cancel", { outcome: "" }); // nobody could say; the session ends by itself
    this.stop();
  }
  stop() { this.#release(); this.#close(); }
  #release() {
    this.#isOver = true;
    this.#stop.abort();
    this.#clear();
    for (const each of [this.#follower, this.#wrapper]) each?.stop();
    if (this.#popup && this.#outcome) try { this.#popup.close(); } catch { /* it is not ours any more */ }
  }
  #close() { this.#view?.close?.(); this.#view?.remove(); this.#view = null; this.#host.closed(); }

  // View -----------------------------------------------------------------------------------

  #show(text) {
    const id = `henry-title-${++mounts}`;
    const isDialog = this.#host.layout !== "inline";
    const close = (name) => make("button", { type: "button", class: name, "aria-label": this.#say.close, onclick: () => this.leave() });
    this.#view = make(isDialog ? "dialog" : "section", { class: "henry-view", "aria-labelledby": id, "data-state": this.state },
      make("header", { class: "henry-bar" },
        make("h2", { id, tabindex: "-1", autofocus: isDialog ? "" : null }, this.#say.title), isDialog && close("henry-close")),
      make("p", { class: "henry-notice", role: "status" }),
      make("div", { class: "henry-stage", "aria-busy": "true" }, make("div", { class: "henry-pane" })),
      make("footer", { class: "henry-ways" }));
    this.#host.append(this.#view);
    if (isDialog) {
      this.#view.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
      this.#view.showModal();
    }
    this.#panel(this.#say[text]);
    this.#busy(true);
  }
  #panel(text, ...actions) {
    if (!this.#view) return;
    this.#part("pane").hidden = false;
    const icon = ICONS[this.state] ?? ICONS[this.#way];
    this.#part("pane").replaceChildren(...[icon && picture(...icon), make("p", { class: "henry-lead" }, text), ...actions].filter(Boolean));
    this.#announce(text);
    this.#busy(false);
    this.#offer();
  }
  #part(name) { return this.#view.querySelector(`.henry-${name}`); }
  #busy(is) { if (this.#view) this.#part("stage").setAttribute("aria-busy", String(is)); }
  #notice(text, ...actions) {
    if (!this.#view) return;
    const notice = this.#part("notice");
    if (notice.textContent !== text || actions.length) notice.replaceChildren(make("span", {}, text), ...actions);
    notice.classList.toggle("henry-shown", Boolean(text));
  }
  #announce(text) { this.#notice(""); this.#part("notice").append(make("span", { class: "henry-hidden" }, text)); }
  #button(label, onclick, look = "") { return make("button", { type: "button", class: `henry-button ${look}`, onclick }, label); }
  #link(label, look, extra = {}) { return make("a", { class: look, href: this.#data.payUrl, ...extra }, label); }
  /** What else the person can do: the frame and the window keep their way out in sight, the rest is one click away. */
  #offer() {
    const footer = this.#part("ways");
    if (!this.#data.payUrl || this.#isOver) return footer.replaceChildren();
    const at = LADDER.indexOf(this.#way);
    const isStepping = this.#way === "tab" || this.#way === "redirect";
    const look = (index) => (isStepping && index === at ? "henry-button" : "henry-link");
    const opened = () => { this.#way = "tab"; this.#panel(this.#say.tabbed); };
    const leave = make("button", { type: "button", class: "henry-link", onclick: () => this.leave() }, this.#say.close);
    const ways = [
      this.#way === "popup" && this.#button(this.#popup?.closed ? this.#say.again : this.#say.focus, () => (this.#popup?.closed ? this.#go("popup") : this.#popup?.focus())),
      this.#way !== "popup" && make("button", { type: "button", class: look(1), onclick: () => this.#go("popup", "chosen") }, this.#say.popup),
      this.#link(this.#say.tab, look(2), { target: "_blank", rel: "noopener", onclick: opened }),
      this.#link(this.#say.redirect, look(3), { target: "_top" }),
      this.#data.qrUrl && this.#way !== "phone" && make("button", { type: "button", class: look(4), onclick: () => this.#go("phone", "chosen") }, this.#say.phone),
    ].filter(Boolean).sort((one, other) => other.matches(".henry-button") - one.matches(".henry-button")); // the next step first
    const isQuiet = this.#way === "iframe";
    footer.replaceChildren(...(isQuiet ? [make("details", {}, make("summary", { class: "henry-link" }, this.#say.others), ...ways)] : ways), leave);
  }
  #code() { return make("img", { class: "henry-code", src: this.#data.qrUrl, alt: this.#say.phone, width: "240", height: "240" }); }
  /** Where the wrapper is the only one who can ask the server it stays, unseen, and goes on telling the news. */
  #hideFrame() {
    const frame = this.#view?.querySelector("iframe");
    if (!frame) return;
    frame.hidden = true;
    if (!this.#follower) return;
    this.#wrapper?.stop();
    this.#wrapper = null;
    frame.remove();
  }

  // Small things ---------------------------------------------------------------------------

  #after(time, act) {
    const timer = setTimeout(() => { this.#timers.delete(timer); if (!this.#isOver) act(); }, time);
    this.#timers.add(timer);
  }
  #clear() { this.#timers.forEach(clearTimeout); this.#timers.clear(); }
  #ids() { const { sessionId = "", orderId = "", orderNumber = "" } = this.#data; return { sessionId, orderId, orderNumber }; }
  #move(state, version) {
    if (this.#isOver || state === this.state) return;
    this.state = state;
    if (this.#view) this.#view.dataset.state = state;
    this.#emit("state", { state, version });
  }
  #emit(name, detail) {
    return this.#host.dispatchEvent(new CustomEvent(`henry:${name}`, { bubbles: true, cancelable: true, detail: { ...this.#ids(), ...detail } }));
  }
}

export class HenryCheckout extends HTMLElement {
  #checkout = null; #stop = null;
  get mode() { return this.getAttribute("mode") ?? "auto"; }
  get layout() { return this.getAttribute("layout") ?? "dialog"; }
  get theme() { return this.getAttribute("theme") ?? ""; }
  get debug() { return this.hasAttribute("debug"); }
  get state() { return this.#checkout?.state ?? "idle"; }

  connectedCallback() {
    this.#stop = new AbortController();
    this.addEventListener("submit", (event) => {
      if (this.mode === "redirect" || event.submitter?.name === "mode") return; // the form knows the way
      event.preventDefault();
      this.open();
    }, { signal: this.#stop.signal });
    if (this.hasAttribute("open")) queueMicrotask(() => this.isConnected && this.open());
  }
  disconnectedCallback() {
    this.#stop?.abort();
    this.#checkout?.stop();
    this.#checkout = null;
  }
  /** Where this is not the shop's own page: a function that gets the addresses of a checkout from its own server. */
  begin = null;
  /** Shows the checkout. A second call while one is shown does nothing. */
  open() {
    if (this.#checkout) return;
    const number = (name, usual) => Number(this.getAttribute(name) ?? NaN) * SECOND || usual;
    const limits = { ...LIMITS, soft: number("soft-limit", LIMITS.soft), hard: number("hard-limit", LIMITS.hard) };
    const texts = { ...TEXTS, ...JSON.parse(this.getAttribute("texts") || "{}") };
    this.#checkout = new Checkout(this, { texts, limits });
    this.#checkout.open();
  }
  close() { return this.#checkout?.leave(); }
  restart() { this.#checkout?.stop(); this.open(); }
  closed() { this.#checkout = null; }
}

if (!customElements.get("henry-checkout")) customElements.define("henry-checkout", HenryCheckout);
