// <henry-checkout>: pays a cart without leaving the shop's page, in the best way that works here.
//
// It upgrades the form inside it; take the script away and the form still pays. Ways, from the best down: a frame,
// a window, a tab, this very page, a phone. What a window or a frame says is a hint to ask our server, and only our
// server's answer ends a checkout. The docs (embedding) list the attributes and the `henry:...` events.

import { Follower, Gate, LIMITS, SECOND, Wrapper, readHenry } from "./henry-bridge.js";
import { ICONS, TEXTS, make, picture } from "./henry-view.js";

const LADDER = ["iframe", "popup", "tab", "redirect", "phone"];
const HEIGHT = { min: 320, max: 4000, jitter: 2, changes: 60 };
let mounts = 0;

/** One checkout being shown, from the click to its end. */
class Checkout {
  state = "idle"; #host; #say; #limits; #data = {}; #way = ""; #view; #follower; #wrapper; #popup; #timers = new Set();
  #stop = new AbortController(); #gate = new Gate(); #isOver = false; #isChecking = false; #claim = null; #wantsOut = false; #warned = false; #outcome = ""; #resizes = 0; #rejections = 0; #looks = 0;

  constructor(host, { texts, limits }) {
    [this.#host, this.#say, this.#limits] = [host, texts, limits];
    const options = { signal: this.#stop.signal };
    window.addEventListener("message", (event) => this.#hear(event), options);
    window.addEventListener("focus", () => this.#after(50, () => this.#look()), options);
  }

  async open() {
    const first = this.#firstWay();
    if (first === "popup") this.#openWindow(); // within the click, or it would be blocked
    this.#move("opening");
    this.#show(first === "iframe" ? "opening" : "window");
    try {
      const data = await (this.#host.begin ? this.#host.begin(first) : this.#begin(first));
      if (!data?.payUrl && !data?.next) throw { code: "unexpected_answer" };
      this.#data = data;
    } catch (error) {
      if (!this.#isOver) this.#fail(error?.code ?? "unreachable", error?.text);
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
    const content = await answer.json().catch(() => ({})); // a page of a proxy: its status tells enough
    if (!answer.ok) throw { code: content.code ?? `http_${answer.status}`, text: [content.title, content.detail].filter(Boolean).join(". ") };
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
    // Stepping down without a click could open no window: then the next click does.
    const mayOpen = this.#popup || !reason || reason === "chosen" || navigator.userActivation?.isActive !== false;
    if (way === "popup" && mayOpen) return this.#window();
    if (way === "phone") return this.#panel(this.#say.scan, this.#code());
    this.#panel(this.#because(reason));
  }
  #down(reason) { this.#go(LADDER[Math.min(LADDER.indexOf(this.#way) + 1, LADDER.length - 1)], reason); }
  #because(reason) {
    const { blocked, failing, refused, trouble } = this.#say;
    const texts = { popup_blocked: blocked, page_failing: failing, load_timeout: failing, framing_refused: refused, storage_blocked: refused };
    return texts[reason] ?? trouble;
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
    this.#after(this.#limits.soft, () => this.#notice(this.#say.slow, this.#choice("popup")));
    this.#after(this.#limits.hard, () => this.#down("load_timeout"));
  }
  #hearWrapper(name, params) {
    const isShown = this.#way === "iframe"; // a frame that was left may stay, to tell the news
    if (name === "opened") { if (!isShown) return; this.#clear(); this.#notice(""); this.#busy(false); if (this.state === "loading") this.#move("interactive"); }
    else if (name === "state") this.#take(params);
    else if (name === "hint") this.#heed(String(params.kind), String(params.orderId ?? ""));
    else if (name === "failed") { if (isShown) this.#down(String(params.code)); }
    else if (name === "resized") this.#resize(Number(params.height));
    else if (name === "rejected" && this.#host.debug) this.#emit("rejected", { reason: String(params.reason), where: "frame" });
  }
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
    this.#looks = 0;
    const watch = () => this.#after(this.#look() === 1 ? 200 : this.#limits.look, () => { if (this.#looks < 2) watch(); });
    watch();
  }
  /** Twice, for browsers say "closed" too early; or it is only out of reach, which nobody can tell. */
  #look() {
    this.#looks = this.#way === "popup" && this.#popup?.closed ? this.#looks + 1 : 0;
    if (this.#looks === 2) this.#heed("returned");
    return this.#looks;
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
  #reject(reason, event) {
    if (this.#host.debug && ++this.#rejections <= 1000) this.#emit("rejected", { reason, origin: event.origin, where: "page" });
  }
  /** A hint makes us ask; only the server's answer ends anything. A payment that was claimed is waited for longer. */
  async #heed(kind, orderId = "") {
    if (kind === "completed") this.#claim = { orderId };
    else if (this.#claim) return this.#isChecking || this.#isOver ? undefined : this.#heed("completed", this.#claim.orderId);
    if (this.#isOver || this.#isChecking) return;
    const popup = this.#popup;
    [this.#isChecking, this.#wantsOut] = [true, false];
    this.#move("verifying");
    if (this.#way === "iframe") this.#notice(this.#say.checking); else this.#panel(this.#say.checking);
    if (kind === "closed") await this.#ask("look");
    else await (this.#follower ? this.#follower.verify(orderId) : this.#ask("look"));
    this.#isChecking = false;
    if (this.#isOver) return;
    if (kind === "completed") return this.#notice(this.#say.later);
    if (this.#claim) return this.#heed("completed", this.#claim.orderId); // said meanwhile
    if (popup !== this.#popup) return; // another window has been opened: what the first one was about is over
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
    if (this.#isOver) return; // it was paid meanwhile, for instance
    this.#warned = false;
    if (!state) return; // nobody could say: the next look offers it again
    if (!state.extended) return this.#host.restart();
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
    if (this.#isChecking && !this.#wantsOut) { this.#wantsOut = true; return; } // who asks twice may go
    if (!this.#isChecking && this.state !== "verifying") await this.#ask("cancel");
    if (this.#isOver) return;
    if (!this.#claim) this.#emit("cancel", { outcome: "" }); // nobody could say; the session ends by itself
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
  #close() {
    const view = this.#view;
    this.#view = null;
    view?.close?.();
    view?.remove();
    this.#host.closed();
  }

  // View -----------------------------------------------------------------------------------

  #show(text) {
    const id = `henry-title-${++mounts}`;
    const isDialog = this.#host.layout !== "inline";
    const close = () => make("button", { type: "button", class: "henry-close", "aria-label": this.#say.close, onclick: () => this.leave() });
    this.#view = make(isDialog ? "dialog" : "section", { class: "henry-view", "aria-labelledby": id, "data-state": this.state },
      make("header", { class: "henry-bar" },
        make("h2", { id, tabindex: "-1", autofocus: isDialog ? "" : null }, this.#say.title), isDialog && close()),
      make("p", { class: "henry-notice", role: "status" }),
      make("div", { class: "henry-stage", "aria-busy": "true" }, make("div", { class: "henry-pane" })),
      make("footer", { class: "henry-ways" }));
    this.#host.append(this.#view);
    if (isDialog) {
      this.#view.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
      // A browser may close it by itself, whatever was said to `cancel`.
      this.#view.addEventListener("close", () => { if (this.#view) this.stop(); });
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
    // What had the focus may be gone by now; in the page itself it is left alone.
    if (this.#view.matches("dialog") && document.activeElement === document.body) this.#view.querySelector("h2").focus();
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
  #choice(way) { return make("button", { type: "button", class: "henry-link", onclick: () => this.#go(way, "chosen") }, this.#say[way]); }
  #link(label, look, extra = {}) { return make("a", { class: look, href: this.#data.payUrl, ...extra }, label); }
  /** What else the person can do: the frame and the window keep their way out in sight, the rest is one click away. */
  #offer() {
    const footer = this.#part("ways");
    if (!this.#data.payUrl || this.#isOver) return footer.replaceChildren();
    const look = (way) => (way === this.#way ? "henry-button" : "henry-link");
    const opened = () => { this.#way = "tabbed"; this.#panel(this.#say.tabbed); };
    const leave = make("button", { type: "button", class: "henry-link", onclick: () => this.leave() }, this.#say.close);
    const ways = [
      this.#way === "popup" && this.#button(this.#say[!this.#popup ? "popup" : this.#popup.closed ? "again" : "focus"],
        () => (!this.#popup || this.#popup.closed ? this.#go("popup", "chosen") : this.#popup.focus())),
      this.#way !== "popup" && this.#choice("popup"),
      this.#way !== "iframe" && this.#data.frameUrl && make("button", { type: "button", class: "henry-link", onclick: () => this.#host.restart() }, this.#say.here),
      this.#link(this.#say.tab, look("tab"), { target: "_blank", rel: "noopener", onclick: opened }),
      this.#link(this.#say.redirect, look("redirect"), { target: "_top" }),
      this.#data.qrUrl && this.#way !== "phone" && this.#choice("phone"),
    ].filter(Boolean).sort((one, other) => other.matches(".henry-button") - one.matches(".henry-button")); // the next step first
    footer.replaceChildren(...(this.#way === "iframe" ? [make("details", {}, make("summary", { class: "henry-link" }, this.#say.others), ...ways)] : ways), leave);
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
