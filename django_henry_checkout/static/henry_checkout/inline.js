// The inline checkout without reloads: sends the forms of <henry-inline> and shows the section of each response. Without
// this script the forms lead to the checkout's own page. Events, bubbling: `henry:state` {orderId, step}, `henry:complete`
// {orderId, status} and `henry:error` {orderId, code}. They are for display only: act on the server's signals.

const SECTION = "[data-henry-inline]";
const REQUEST_TIMEOUT = 120000; // ms: a purchase may take long
const WARN_BEFORE = 120; // seconds before the session expires
const TYPING_PAUSE = 600; // ms: typing a country's name letter by letter selects one with each letter
const SLOW_AFTER = 12000; // ms until the fallback for the card's frame is offered
const HEIGHT = [120, 900];
const ACTIONS_BEFORE_CARD = ["address", "quote", "shipping", "renew"];

const isPrintable = (text, maxLength) => typeof text === "string" && text.length <= maxLength && /^[!-~]+$/.test(text);

class HenryInline extends HTMLElement {
  #stop; // aborted when the element leaves the page
  #section = null;
  #step = "";
  #request = null; // in flight: {action, abort}
  #retry = null;
  #timers = [];
  #countryTimer;
  #slowTimer;
  #frame = null;
  #card = null; // {token, last4}, in memory only
  #isReported = false;

  connectedCallback() {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.addEventListener("submit", (event) => this.#onSubmit(event), { signal });
    this.addEventListener("click", (event) => this.#onClick(event), { signal });
    this.addEventListener("change", (event) => this.#onChange(event), { signal });
    this.addEventListener("henry:card", (event) => this.#setCard(event.detail), { signal });
    window.addEventListener("message", (event) => this.#onMessage(event), { signal });
    const observer = new MutationObserver(() => this.#checkSection());
    observer.observe(this, { childList: true, subtree: true });
    signal.addEventListener("abort", () => observer.disconnect());
    this.#checkSection();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#stopTimers();
    this.#section = null;
    this.#request = null;
  }

  // Sections -----------------------------------------------------------------------------

  #checkSection() {
    const section = this.querySelector(SECTION);
    if (section && section !== this.#section) this.#setSection(section);
    const panel = section?.querySelector("[data-henry-panel]");
    if (!panel || panel.dataset.status === "open" || this.#isReported) return;
    this.#isReported = true;
    this.#emit("complete", { status: panel.dataset.status });
  }

  #setSection(section) {
    this.#stopTimers();
    this.#section = section;
    const { step, code } = section.dataset;
    for (const button of section.querySelectorAll("[data-henry-country-button]")) button.hidden = true;
    if (step === "status") this.#watchStatus();
    this.#mountFrame();
    this.#warnBeforeExpiry();
    if (code === "payment_refused") this.#card = null;
    if (step !== this.#step) this.#emit("state", { step });
    this.#step = step;
    if (code) this.#emit("error", { code });
    section.querySelector("[data-henry-errors]")?.focus();
    const card = section.querySelector("[data-henry-autoload]");
    if (card) this.#send({ url: card.href, action: "load", isQuiet: true });
  }

  #stopTimers() {
    this.#timers.splice(0).forEach(clearTimeout);
    clearTimeout(this.#slowTimer);
    clearTimeout(this.#countryTimer);
    this.#frame = null;
  }

  async #watchStatus() {
    const script = this.#section.querySelector('script[src*="status"]');
    if (!script) return;
    const { watchOrders } = await import(script.src);
    watchOrders(this);
  }

  #emit(name, detail) {
    const orderId = this.#section?.dataset.order ?? "";
    this.dispatchEvent(new CustomEvent(`henry:${name}`, { bubbles: true, detail: { orderId, ...detail } }));
  }

  #announce(text) {
    const status = this.querySelector("[data-henry-announcer]");
    if (status) status.textContent = text;
  }

  // Forms and links ----------------------------------------------------------------------

  #onSubmit(event) {
    const form = event.target;
    if (!form.matches("[data-henry-form], [data-henry-renew]") || event.defaultPrevented) return;
    event.preventDefault();
    this.#post(form, event.submitter);
  }

  #onClick(event) {
    if (event.target.closest("[data-henry-retry]")) {
      this.#retry?.();
      return;
    }
    const field = event.target.closest("[data-henry-errors] a");
    if (field) {
      event.preventDefault();
      document.getElementById(field.hash.slice(1))?.focus();
      return;
    }
    const link = event.target.closest("[data-henry-step-link]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (new URL(link.href).searchParams.get("step") === "card") this.#card = null;
    this.#send({ url: link.href, action: "navigate", button: link });
  }

  #onChange(event) {
    if (!event.target.matches("[data-henry-country]")) return;
    const { form, selectedOptions } = event.target;
    clearTimeout(this.#countryTimer);
    this.#countryTimer = setTimeout(() => {
      if (selectedOptions[0]?.defaultSelected) return; // the fields fit this country already
      const body = new FormData(form);
      body.set("action", "country");
      this.#send({ url: form.getAttribute("action"), body, action: "country" });
    }, TYPING_PAUSE);
  }

  #post(form, submitter) {
    const body = new FormData(form, submitter);
    const button = submitter?.matches("[data-henry-busy]") ? submitter : form.querySelector("[data-henry-busy]");
    // Not `form.action`: a field has this name.
    this.#send({ url: form.getAttribute("action"), body, action: body.getAll("action").pop(), button });
  }

  // Sending ------------------------------------------------------------------------------

  async #send(call) {
    clearTimeout(this.#countryTimer);
    if (this.#request) {
      if (this.#request.action !== "country") return; // a second click does nothing
      this.#request.abort();
    }
    const controller = new AbortController();
    const request = { action: call.action, abort: () => controller.abort() };
    this.#request = request;
    const stop = this.#stop.signal;
    const signals = [controller.signal, stop, AbortSignal.timeout(REQUEST_TIMEOUT)];
    this.#setBusy(call.button, true);
    this.#showConnectionError(false);
    try {
      const section = await this.#fetch(call, AbortSignal.any(signals));
      if (request === this.#request && section) this.#show(section, call);
    } catch (error) {
      if (stop.aborted || request !== this.#request) return;
      this.#retry = () => this.#send(call);
      this.#showConnectionError(true);
      this.#emit("error", { code: error.code ?? "network" });
    } finally {
      if (request === this.#request) {
        this.#request = null;
        this.#setBusy(call.button, false);
        this.#resendCard(call);
      }
    }
  }

  async #fetch({ url, body }, signal) {
    const address = new URL(url, location.href);
    address.searchParams.set("part", "1");
    const response = await fetch(address, {
      method: body ? "POST" : "GET", body, signal, cache: "no-store", headers: { "X-Requested-With": "henry" },
    });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const section = page.querySelector(SECTION);
    if (section) return document.adoptNode(section);
    if (response.redirected) {
      location.assign(response.url);
      return null;
    }
    throw Object.assign(new Error(`no section: ${response.status}`), { code: "unexpected_answer" });
  }

  #show(section, call) {
    const old = this.#section;
    if (call.action === "renew" && section.dataset.step === "card" && old.dataset.step === "card") {
      old.dataset.secondsLeft = section.dataset.secondsLeft; // keeps what is typed into the card's frame
      this.#warnBeforeExpiry();
      old.querySelector("[data-henry-heading]")?.focus();
      return;
    }
    if (call.action === "country") keepTyped(old, section);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(section);
    this.#checkSection();
    if (call.action === "country") {
      if (focused) focusSame(focused, section);
      this.#announce(section.dataset.announcement ?? "");
    } else if (!call.isQuiet) {
      this.#focus(section);
    }
  }

  #focus(section) {
    const heading = section.querySelector("[data-henry-heading]");
    const target = section.querySelector("[data-henry-errors], [data-henry-notice]") ?? heading;
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
    const headline = section.querySelector("[data-henry-headline]") ?? heading;
    this.#announce((target === heading ? headline : target)?.innerText.trim() ?? "");
  }

  /** Submits the card that was entered before the shopper changed the address or the delivery. */
  #resendCard(call) {
    if (this.#card && this.#section?.dataset.step === "card" && ACTIONS_BEFORE_CARD.includes(call.action)) this.#sendCard();
  }

  #setBusy(button, isBusy) {
    this.#section?.setAttribute("aria-busy", String(isBusy));
    if (!button) return;
    if (isBusy) {
      button.setAttribute("aria-disabled", "true");
      if (button.dataset.henryBusy) {
        button.dataset.label = button.textContent;
        button.textContent = button.dataset.henryBusy;
        this.#announce(button.textContent);
      }
      return;
    }
    button.removeAttribute("aria-disabled");
    if (button.dataset.label) button.textContent = button.dataset.label;
  }

  #showConnectionError(isShown) {
    const box = this.querySelector("[data-henry-connection-error]");
    if (!box || box.hidden !== isShown) return;
    box.hidden = !isShown;
    if (!isShown) return;
    box.querySelector("[tabindex]").focus();
    this.#announce(box.querySelector("p").textContent);
  }

  // The card -----------------------------------------------------------------------------

  #mountFrame() {
    const container = this.#section.querySelector("[data-henry-frame]");
    if (!container) return;
    const kind = container.dataset.henryFrame;
    const address = new URL(container.dataset.src, location.href);
    if (kind === "page") address.searchParams.set("embed", "true");
    else {
      address.searchParams.set("origin", location.origin);
      address.searchParams.set("theme", themeOf(this.#section));
    }
    const frame = document.createElement("iframe");
    frame.title = container.dataset.title;
    frame.className = "henry-inline-iframe";
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups");
    frame.setAttribute("allow", "payment");
    frame.referrerPolicy = "strict-origin";
    frame.src = address.href;
    this.#frame = { element: frame, origin: address.origin, kind };
    container.replaceChildren(frame);
    const slow = this.#section.querySelector("[data-henry-slow]");
    if (slow) this.#slowTimer = setTimeout(() => { slow.hidden = false; }, SLOW_AFTER);
  }

  #onMessage(event) {
    const frame = this.#frame;
    if (!frame || event.source !== frame.element.contentWindow || event.origin !== frame.origin) return;
    const { data } = event;
    if (typeof data !== "object" || data === null) return;
    if (frame.kind === "page") {
      if (data.status === "complete") this.#sendCard();
    } else if (data.action === "cardElementReady" && Number.isFinite(data.height)) {
      clearTimeout(this.#slowTimer);
      frame.element.style.height = `${Math.min(Math.max(data.height, HEIGHT[0]), HEIGHT[1])}px`;
    } else if (data.action === "cardTokenized") {
      this.#setCard(data);
    }
  }

  #setCard(card) {
    if (!isPrintable(card?.cardToken, 255)) return;
    this.#card = { token: card.cardToken, last4: /^\d{4}$/.test(card.last4) ? card.last4 : "" };
    this.#sendCard();
  }

  #sendCard() {
    const form = this.#section?.querySelector("[data-henry-card-form]");
    if (!form) return;
    if (form.elements.card_token && this.#card) {
      form.elements.card_token.value = this.#card.token;
      form.elements.card_last4.value = this.#card.last4;
    }
    this.#post(form, null);
  }

  // Expiry -------------------------------------------------------------------------------

  #warnBeforeExpiry() {
    const left = Number(this.#section.dataset.secondsLeft ?? NaN);
    const box = this.#section.querySelector("[data-henry-expiry]");
    if (!box || Number.isNaN(left)) return;
    box.hidden = true;
    this.#timers.splice(0).forEach(clearTimeout);
    const warn = () => {
      box.hidden = false;
      this.#announce(box.querySelector("p").textContent);
    };
    const end = () => this.#send({ url: this.#section.dataset.url, action: "navigate" });
    this.#timers.push(setTimeout(warn, Math.max(left - WARN_BEFORE, 0) * 1000), setTimeout(end, (left + 1) * 1000));
  }
}

function themeOf(element) {
  const schemes = getComputedStyle(element).colorScheme.split(" ");
  if (!schemes.includes("dark")) return "light";
  return !schemes.includes("light") || matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Keeps what was typed during the request, where the new country has the field. */
function keepTyped(old, fresh) {
  for (const field of old.querySelectorAll("input.henry-inline-input")) {
    const same = fresh.querySelector(`input.henry-inline-input[name="${field.name}"]`);
    if (same) same.value = field.value;
  }
}

/** Restores the focus and the selection, for shoppers who moved on during the request. */
function focusSame(focused, section) {
  const same = focused.id ? section.querySelector(`#${CSS.escape(focused.id)}`) : null;
  (same ?? section.querySelector("[data-henry-country]"))?.focus();
  if (same && focused.selectionStart != null && same.type === "text") {
    same.setSelectionRange(focused.selectionStart, focused.selectionEnd);
  }
}

// A browser without `AbortSignal.any` submits the forms without this script.
if (AbortSignal.any && !customElements.get("henry-inline")) customElements.define("henry-inline", HenryInline);
