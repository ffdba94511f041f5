// <henry-checkout>: pays a cart without leaving the shop's page.
//
// It enhances the form inside it, which pays without scripts too. If a mode does not work, it falls back to the next one.
// A message of a window or frame is only a hint to ask our server, and only the server's response ends a checkout. The
// docs (embedding) list the attributes and the `henry:...` events.

import { LIMITS, RateLimit, SECOND, StatePoller, Wrapper, parseMessage } from "./henry-bridge.js";
import { ICONS, TEXTS, icon, make } from "./henry-view.js";

const MODES = ["iframe", "popup", "tab", "redirect", "phone"];
const HEIGHT = { min: 320, max: 4000, jitter: 2, changes: 60 };
let mounts = 0;

/** One checkout, from the click to its outcome. */
class Checkout {
  state = "idle"; #host; #texts; #limits; #data = {}; #mode = ""; #view; #poller; #wrapper; #popup; #timers = new Set();
  #stop = new AbortController(); #rateLimit = new RateLimit(); #isOver = false; #isChecking = false; #claim = null; #isLeaving = false; #isWarned = false; #outcome = ""; #resizes = 0; #rejections = 0; #closedChecks = 0;

  constructor(host, { texts, limits }) {
    [this.#host, this.#texts, this.#limits] = [host, texts, limits];
    const options = { signal: this.#stop.signal };
    window.addEventListener("message", (event) => this.#onMessage(event), options);
    window.addEventListener("focus", () => this.#after(50, () => this.#checkWindow()), options);
  }

  async open() {
    const mode = this.#initialMode();
    if (mode === "popup") this.#openWindow(); // within the click, or the browser blocks it
    this.#setState("opening");
    this.#render(mode === "iframe" ? "opening" : "window");
    try {
      const data = await (this.#host.begin ? this.#host.begin(mode) : this.#begin(mode));
      if (!data?.payUrl && !data?.next) throw { code: "unexpected_answer" };
      this.#data = data;
    } catch (error) {
      if (!this.#isOver) this.#fail(error?.code ?? "unreachable", error?.text);
      return;
    }
    if (this.#isOver || !this.#data.payUrl) this.#popup?.close();
    if (this.#isOver) return;
    if (!this.#data.payUrl) return location.assign(this.#data.next); // already paid
    if (this.#data.stateUrl) this.#poller = new StatePoller(this.#data.stateUrl, (state) => this.#onState(state), this.#limits);
    this.#emit("open", {});
    this.#switchMode(mode);
  }
  #initialMode() { return this.#host.mode === "popup" ? "popup" : "iframe"; }
  async #begin(mode) {
    const form = this.#host.querySelector("form");
    const body = new FormData(form);
    body.set("mode", mode);
    const signal = AbortSignal.timeout(60 * SECOND);
    const response = await fetch(form.action, { method: "POST", body, signal, headers: { Accept: "application/json" } });
    const content = await response.json().catch(() => ({})); // a proxy's error page: its status is enough
    if (!response.ok) throw { code: content.code ?? `http_${response.status}`, text: [content.title, content.detail].filter(Boolean).join(". ") };
    return content;
  }

  // Modes ----------------------------------------------------------------------------------

  #switchMode(mode, reason = "") {
    const from = this.#mode;
    this.#mode = mode;
    this.#clearTimers();
    if (reason) this.#emit("fallback", { from, to: mode, reason });
    if (mode === "iframe") return this.#data.frameUrl ? this.#showFrame() : this.#fallBack(this.#data.frameProblem || "framing_refused");
    this.#hideFrame();
    // Without a click the browser would block the window: then the next click opens it.
    const mayOpen = this.#popup || !reason || reason === "chosen" || navigator.userActivation?.isActive !== false;
    if (mode === "popup" && mayOpen) return this.#showWindow();
    if (mode === "phone") return this.#showPane(this.#texts.scan, this.#qrCode());
    this.#showPane(this.#reasonText(reason));
  }
  #fallBack(reason) { this.#switchMode(MODES[Math.min(MODES.indexOf(this.#mode) + 1, MODES.length - 1)], reason); }
  #reasonText(reason) {
    const { blocked, failing, refused, trouble } = this.#texts;
    const texts = { popup_blocked: blocked, page_failing: failing, load_timeout: failing, framing_refused: refused, storage_blocked: refused };
    return texts[reason] ?? trouble;
  }

  #showFrame() {
    const { frameUrl, sessionId, paymentOrigins = [] } = this.#data;
    const allowed = ["'src'", ...paymentOrigins].join(" ");
    const url = new URL(frameUrl, location.href);
    if (this.#host.theme) url.searchParams.set("theme", this.#host.theme);
    const frame = make("iframe", {
      class: "henry-payment", title: this.#texts.title, name: `henry-frame-${++mounts}`, referrerpolicy: "strict-origin", loading: "eager",
      allow: `payment ${allowed}; publickey-credentials-get ${allowed}; clipboard-write ${allowed}`,
    });
    this.#setState("loading");
    this.#part("pane").hidden = true;
    this.#part("stage").prepend(frame);
    this.#setBusy(true);
    this.#renderOptions();
    this.#wrapper = new Wrapper(frame, frameUrl, {
      session: sessionId, follows: Boolean(this.#poller),
      onNote: (name, params) => this.#onNote(name, params), reject: (reason, event) => this.#reject(reason, event),
    });
    frame.src = url.href; // only now that the wrapper is listened to
    this.#after(this.#limits.slow, () => this.#showNotice(this.#texts.slow, this.#modeButton("popup")));
    this.#after(this.#limits.timeout, () => this.#fallBack("load_timeout"));
  }
  #onNote(name, params) {
    const isShown = this.#mode === "iframe"; // a hidden frame may stay, to report the state
    if (name === "opened") { if (!isShown) return; this.#clearTimers(); this.#showNotice(""); this.#setBusy(false); if (this.state === "loading") this.#setState("interactive"); }
    else if (name === "state") this.#onState(params);
    else if (name === "hint") this.#onHint(String(params.kind), String(params.orderId ?? ""));
    else if (name === "failed") { if (isShown) this.#fallBack(String(params.code)); }
    else if (name === "resized") this.#resize(Number(params.height));
    else if (name === "rejected" && this.#host.debug) this.#emit("rejected", { reason: String(params.reason), where: "frame" });
  }
  #resize(height) {
    const frame = this.#view?.querySelector("iframe");
    const fits = Math.min(Math.max(height, HEIGHT.min), HEIGHT.max);
    if (!frame || !(Math.abs(fits - frame.clientHeight) > HEIGHT.jitter) || this.#resizes >= HEIGHT.changes) return;
    this.#resizes += 1; // a page that grows with each message is ignored in the end
    requestAnimationFrame(() => { frame.style.blockSize = `${fits}px`; });
  }

  #openWindow() {
    const width = Math.min(520, screen.availWidth * 0.9);
    const height = Math.min(750, screen.availHeight * 0.9);
    const left = Math.max(0, (screen.availWidth - width) / 2);
    this.#popup = window.open("about:blank", `henry-window-${++mounts}`, `popup,width=${width},height=${height},left=${left},top=60`);
  }
  #showWindow() {
    if (!this.#popup || this.#popup.closed) this.#openWindow();
    if (!this.#popup) return this.#fallBack("popup_blocked");
    try { this.#popup.location.replace(new URL(this.#data.payUrl, location.href).href); } catch { return this.#fallBack("popup_blocked"); }
    this.#setState("interactive");
    this.#showPane(this.#texts.window);
    this.#closedChecks = 0;
    const watch = () => this.#after(this.#checkWindow() === 1 ? 200 : this.#limits.checkWindow, () => { if (this.#closedChecks < 2) watch(); });
    watch();
  }
  /** Acts on two checks in a row: browsers report "closed" too early, and for a window out of reach. */
  #checkWindow() {
    this.#closedChecks = this.#mode === "popup" && this.#popup?.closed ? this.#closedChecks + 1 : 0;
    if (this.#closedChecks === 2) this.#onHint("returned");
    return this.#closedChecks;
  }

  // Messages -------------------------------------------------------------------------------

  #onMessage(event) {
    if (!this.#popup || event.source !== this.#popup) {
      if (this.#host.debug && !this.#wrapper) this.#reject("source", event);
      return;
    }
    if (!this.#rateLimit.allows()) return this.#reject("rate", event);
    if (event.origin === location.origin) { if (Object(event.data).henry === "returned") this.#onHint("returned"); return; }
    const { hint, orderId, rejected } = parseMessage(event, { source: this.#popup, origins: this.#data.paymentOrigins ?? [] });
    if (rejected) return this.#reject(rejected, event);
    this.#onHint(hint, orderId);
  }
  #reject(reason, event) {
    if (this.#host.debug && ++this.#rejections <= 1000) this.#emit("rejected", { reason, origin: event.origin, where: "page" });
  }
  /** Asks the server after a hint. A claimed payment is waited for longer. */
  async #onHint(kind, orderId = "") {
    if (kind === "completed") this.#claim = { orderId };
    else if (this.#claim) return this.#isChecking || this.#isOver ? undefined : this.#onHint("completed", this.#claim.orderId);
    if (this.#isOver || this.#isChecking) return;
    const popup = this.#popup;
    [this.#isChecking, this.#isLeaving] = [true, false];
    this.#setState("verifying");
    if (this.#mode === "iframe") this.#showNotice(this.#texts.checking); else this.#showPane(this.#texts.checking);
    if (kind === "closed") await this.#send("refresh");
    else await (this.#poller ? this.#poller.verify(orderId) : this.#send("refresh"));
    this.#isChecking = false;
    if (this.#isOver) return;
    if (kind === "completed") return this.#showNotice(this.#texts.later);
    if (this.#claim) return this.#onHint("completed", this.#claim.orderId); // claimed meanwhile
    if (popup !== this.#popup) return; // another window was opened: the hint is obsolete
    this.#setState("interactive");
    if (kind === "closed") { this.#emit("cancel", { outcome: "" }); return this.stop(); } // it can be continued
    if (this.#mode === "iframe") this.#showNotice(this.#texts.unsure); else this.#showPane(this.#texts.unsure);
  }
  #send(action) { return (this.#poller ?? this.#wrapper)?.send(action); }
  #onState(state) {
    if (this.#isOver) return;
    this.#data = { ...this.#data, sessionId: state.sessionId, orderId: state.orderId, orderNumber: state.orderNumber };
    this.#warnBeforeExpiry(state.expiresIn);
    if (state.outcome) this.#finish(state);
  }
  #warnBeforeExpiry(seconds) {
    if (this.#isWarned || !(seconds * SECOND < this.#limits.warn) || this.state === "verifying") return;
    this.#isWarned = true;
    this.#showNotice(this.#texts.ending, make("button", { type: "button", class: "henry-link", onclick: () => this.#extend() }, this.#texts.more));
  }
  async #extend() {
    const state = await this.#send("extend");
    if (this.#isOver) return; // paid meanwhile, for instance
    this.#isWarned = false;
    if (!state) return; // unreachable: the next state offers it again
    if (!state.extended) return this.#host.restart();
    this.#showNotice(this.#texts.extended);
  }

  // Outcomes -------------------------------------------------------------------------------

  #finish(state) {
    const { outcome, next, receipt } = state; // each event has the ids
    const detail = { outcome, next, receipt };
    this.#outcome = outcome;
    this.#setState(outcome, state.version);
    this.#release();
    this.#view?.querySelector("iframe")?.remove();
    if (outcome === "cancelled") { this.#emit("cancel", detail); this.#close(); return; }
    if (outcome === "failed" || outcome === "expired") {
      this.#emit("error", { ...detail, code: outcome });
      const isPaid = state.orderStatus !== "open"; // but could not be bought: its page has the details
      return this.#showPane(isPaid ? this.#texts.ended : this.#texts[outcome], isPaid
        ? make("a", { class: "henry-button", href: next, target: "_top" }, this.#texts.order) : this.#button(this.#texts.retry, () => this.#host.restart()));
    }
    const mayRedirect = this.#emit("complete", detail);
    this.#showPane(this.#texts.completed);
    const isOurs = next && new URL(next).origin === location.origin;
    if (mayRedirect && isOurs) setTimeout(() => this.#host.isConnected && location.assign(next), this.#limits.redirect);
  }
  #fail(code, text) {
    this.#popup?.close();
    this.#setState("failed");
    this.#release();
    this.#emit("error", { code });
    const form = this.#host.querySelector("form");
    this.#showPane(text || this.#texts.trouble, this.#button(this.#texts.retry, () => this.#host.restart()),
      form && this.#button(this.#texts.redirect, () => form.submit(), "henry-secondary"));
  }
  /** Leaves the checkout, unless the server knows of a payment. */
  async leave() {
    if (this.#isOver) return this.#close();
    this.#showNotice(this.#texts.checking);
    if (this.#isChecking && !this.#isLeaving) { this.#isLeaving = true; return; } // the second request leaves at once
    if (!this.#isChecking && this.state !== "verifying") await this.#send("cancel");
    if (this.#isOver) return;
    if (!this.#claim) this.#emit("cancel", { outcome: "" }); // unknown; the session expires by itself
    this.stop();
  }
  stop() { this.#release(); this.#close(); }
  #release() {
    this.#isOver = true;
    this.#stop.abort();
    this.#clearTimers();
    for (const each of [this.#poller, this.#wrapper]) each?.stop();
    if (this.#popup && this.#outcome) try { this.#popup.close(); } catch { /* it has moved out of reach */ }
  }
  #close() {
    const view = this.#view;
    this.#view = null;
    view?.close?.();
    view?.remove();
    this.#host.closed();
  }

  // View -----------------------------------------------------------------------------------

  #render(text) {
    const id = `henry-title-${++mounts}`;
    const isDialog = this.#host.layout !== "inline";
    const close = () => make("button", { type: "button", class: "henry-close", "aria-label": this.#texts.close, onclick: () => this.leave() });
    this.#view = make(isDialog ? "dialog" : "section", { class: "henry-view", "aria-labelledby": id, "data-state": this.state },
      make("header", { class: "henry-bar" },
        make("h2", { id, tabindex: "-1", autofocus: isDialog ? "" : null }, this.#texts.title), isDialog && close()),
      make("p", { class: "henry-notice", role: "status" }),
      make("div", { class: "henry-stage", "aria-busy": "true" }, make("div", { class: "henry-pane" })),
      make("footer", { class: "henry-options" }));
    this.#host.append(this.#view);
    if (isDialog) {
      this.#view.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
      // A browser may close it by itself, in spite of `preventDefault()`.
      this.#view.addEventListener("close", () => { if (this.#view) this.stop(); });
      this.#view.showModal();
    }
    this.#showPane(this.#texts[text]);
    this.#setBusy(true);
  }
  #showPane(text, ...actions) {
    if (!this.#view) return;
    this.#part("pane").hidden = false;
    const image = ICONS[this.state] ?? ICONS[this.#mode];
    this.#part("pane").replaceChildren(...[image && icon(...image), make("p", { class: "henry-lead" }, text), ...actions].filter(Boolean));
    this.#announce(text);
    this.#setBusy(false);
    this.#renderOptions();
    // The focused element may be gone; inline, the focus belongs to the page.
    if (this.#view.matches("dialog") && document.activeElement === document.body) this.#view.querySelector("h2").focus();
  }
  #part(name) { return this.#view.querySelector(`.henry-${name}`); }
  #setBusy(is) { if (this.#view) this.#part("stage").setAttribute("aria-busy", String(is)); }
  #showNotice(text, ...actions) {
    if (!this.#view) return;
    const notice = this.#part("notice");
    if (notice.textContent !== text || actions.length) notice.replaceChildren(make("span", {}, text), ...actions);
    notice.classList.toggle("henry-visible", Boolean(text));
  }
  #announce(text) { this.#showNotice(""); this.#part("notice").append(make("span", { class: "henry-visually-hidden" }, text)); }
  #button(label, onclick, style = "") { return make("button", { type: "button", class: `henry-button ${style}`, onclick }, label); }
  #modeButton(mode) { return make("button", { type: "button", class: "henry-link", onclick: () => this.#switchMode(mode, "chosen") }, this.#texts[mode]); }
  #link(label, style, extra = {}) { return make("a", { class: style, href: this.#data.payUrl, ...extra }, label); }
  /** Renders the other modes and the button that leaves; beside a frame they are folded away. */
  #renderOptions() {
    const footer = this.#part("options");
    if (!this.#data.payUrl || this.#isOver) return footer.replaceChildren();
    const style = (mode) => (mode === this.#mode ? "henry-button" : "henry-link");
    const opened = () => { this.#mode = "tabbed"; this.#showPane(this.#texts.tabbed); };
    const leave = make("button", { type: "button", class: "henry-link", onclick: () => this.leave() }, this.#texts.close);
    const options = [
      this.#mode === "popup" && this.#button(this.#texts[!this.#popup ? "popup" : this.#popup.closed ? "again" : "focus"],
        () => (!this.#popup || this.#popup.closed ? this.#switchMode("popup", "chosen") : this.#popup.focus())),
      this.#mode !== "popup" && this.#modeButton("popup"),
      this.#mode !== "iframe" && this.#data.frameUrl && make("button", { type: "button", class: "henry-link", onclick: () => this.#host.restart() }, this.#texts.here),
      this.#link(this.#texts.tab, style("tab"), { target: "_blank", rel: "noopener", onclick: opened }),
      this.#link(this.#texts.redirect, style("redirect"), { target: "_top" }),
      this.#data.qrUrl && this.#mode !== "phone" && this.#modeButton("phone"),
    ].filter(Boolean).sort((one, other) => other.matches(".henry-button") - one.matches(".henry-button")); // buttons first
    footer.replaceChildren(...(this.#mode === "iframe" ? [make("details", {}, make("summary", { class: "henry-link" }, this.#texts.others), ...options)] : options), leave);
  }
  #qrCode() { return make("img", { class: "henry-qr-code", src: this.#data.qrUrl, alt: this.#texts.phone, width: "240", height: "240" }); }
  /** Removes the frame, or hides it where only the wrapper can reach the server. */
  #hideFrame() {
    const frame = this.#view?.querySelector("iframe");
    if (!frame) return;
    frame.hidden = true;
    if (!this.#poller) return;
    this.#wrapper?.stop();
    this.#wrapper = null;
    frame.remove();
  }

  // Helpers --------------------------------------------------------------------------------

  #after(time, act) {
    const timer = setTimeout(() => { this.#timers.delete(timer); if (!this.#isOver) act(); }, time);
    this.#timers.add(timer);
  }
  #clearTimers() { this.#timers.forEach(clearTimeout); this.#timers.clear(); }
  #ids() { const { sessionId = "", orderId = "", orderNumber = "" } = this.#data; return { sessionId, orderId, orderNumber }; }
  #setState(state, version) {
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
      if (this.mode === "redirect" || event.submitter?.name === "mode") return; // the form does this itself
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
  /** On another site: a function that gets the response to `cart/checkout` from the page's own server. */
  begin = null;
  /** Opens the checkout, unless it is open. */
  open() {
    if (this.#checkout) return;
    const seconds = (name, initial) => Number(this.getAttribute(name) ?? NaN) * SECOND || initial;
    const limits = { ...LIMITS, slow: seconds("slow-after", LIMITS.slow), timeout: seconds("frame-timeout", LIMITS.timeout) };
    const texts = { ...TEXTS, ...JSON.parse(this.getAttribute("texts") || "{}") };
    this.#checkout = new Checkout(this, { texts, limits });
    this.#checkout.open();
  }
  close() { return this.#checkout?.leave(); }
  restart() { this.#checkout?.stop(); this.open(); }
  closed() { this.#checkout = null; }
}

if (!customElements.get("henry-checkout")) customElements.define("henry-checkout", HenryCheckout);
