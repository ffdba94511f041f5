// The inline checkout without reloads: sends the forms of <henry-inline>, and puts the answer's section in place.
// Without this script the same forms lead to the checkout's own page. It sends, bubbling: `henry:state` {orderId, step},
// `henry:complete` {orderId, status} and `henry:error` {orderId, code}. They are for display: act on server signals.

const SECTION = "[data-henry-inline]";
const LONGEST = 120000; // ms for one answer: a purchase may take its time
const WARN_BEFORE = 120; // seconds before the price is let go
const TYPING = 600; // ms: a country may be typed letter by letter, and each letter chooses one
const SLOW = 12000; // ms until another way to pay is offered
const HEIGHT = [120, 900];
const ON_THE_WAY = ["address", "quote", "shipping", "renew"];

const isPrintable = (text, longest) => typeof text === "string" && text.length <= longest && /^[!-~]+$/.test(text);

class HenryInline extends HTMLElement {
  #life; // ends when the element leaves the page
  #section = null;
  #step = "";
  #request = null; // what is under way: {action, abort}
  #again = null;
  #clock = [];
  #soon;
  #slow;
  #frame = null;
  #card = null; // {token, last4}, in memory only
  #isTold = false;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("change", (event) => this.#changed(event), { signal });
    this.addEventListener("henry:card", (event) => this.#tokenized(event.detail), { signal });
    window.addEventListener("message", (event) => this.#heard(event), { signal });
    const observer = new MutationObserver(() => this.#look());
    observer.observe(this, { childList: true, subtree: true });
    signal.addEventListener("abort", () => observer.disconnect());
    this.#look();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#rest();
    this.#section = null;
    this.#request = null;
  }

  // A section arrives --------------------------------------------------------------------

  #look() {
    const section = this.querySelector(SECTION);
    if (section && section !== this.#section) this.#arrive(section);
    const panel = section?.querySelector("[data-henry-panel]");
    if (!panel || panel.dataset.status === "open" || this.#isTold) return;
    this.#isTold = true;
    this.#tell("complete", { status: panel.dataset.status });
  }

  #arrive(section) {
    this.#rest();
    this.#section = section;
    const { step, code } = section.dataset;
    for (const button of section.querySelectorAll("[data-henry-country-button]")) button.hidden = true;
    if (step === "status") this.#follow();
    this.#mountFrame();
    this.#watchTime();
    if (code === "payment_refused") this.#card = null;
    if (step !== this.#step) this.#tell("state", { step });
    this.#step = step;
    if (code) this.#tell("error", { code });
    section.querySelector("[data-henry-problems]")?.focus();
    const card = section.querySelector("[data-henry-load]");
    if (card) this.#send({ url: card.href, action: "load", isQuiet: true });
  }

  #rest() {
    this.#clock.splice(0).forEach(clearTimeout);
    clearTimeout(this.#slow);
    clearTimeout(this.#soon);
    this.#frame = null;
  }

  async #follow() {
    const script = this.#section.querySelector('script[src*="status"]');
    if (!script) return;
    const { watchOrders } = await import(script.src);
    watchOrders(this);
  }

  #tell(name, detail) {
    const orderId = this.#section?.dataset.order ?? "";
    this.dispatchEvent(new CustomEvent(`henry:${name}`, { bubbles: true, detail: { orderId, ...detail } }));
  }

  #say(text) {
    const status = this.querySelector("[data-henry-says]");
    if (status) status.textContent = text;
  }

  // Forms and links ----------------------------------------------------------------------

  #submitted(event) {
    const form = event.target;
    if (!form.matches("[data-henry-form], [data-henry-renew]") || event.defaultPrevented) return;
    event.preventDefault();
    this.#post(form, event.submitter);
  }

  #clicked(event) {
    if (event.target.closest("[data-henry-again]")) {
      this.#again?.();
      return;
    }
    const field = event.target.closest("[data-henry-problems] a");
    if (field) {
      event.preventDefault();
      document.getElementById(field.hash.slice(1))?.focus();
      return;
    }
    const link = event.target.closest("[data-henry-go]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (new URL(link.href).searchParams.get("step") === "card") this.#card = null;
    this.#send({ url: link.href, action: "go", button: link });
  }

  #changed(event) {
    if (!event.target.matches("[data-henry-country]")) return;
    const { form, selectedOptions } = event.target;
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => {
      if (selectedOptions[0]?.defaultSelected) return; // back at the one that the fields fit
      const body = new FormData(form);
      body.set("action", "country");
      this.#send({ url: form.getAttribute("action"), body, action: "country" });
    }, TYPING);
  }

  #post(form, submitter) {
    const body = new FormData(form, submitter);
    const button = submitter?.matches("[data-henry-busy]") ? submitter : form.querySelector("[data-henry-busy]");
    // Not `form.action`: that is the field of this name.
    this.#send({ url: form.getAttribute("action"), body, action: body.getAll("action").pop(), button });
  }

  // Sending ------------------------------------------------------------------------------

  async #send(call) {
    clearTimeout(this.#soon);
    if (this.#request) {
      if (this.#request.action !== "country") return; // a second click does nothing
      this.#request.abort();
    }
    const ended = new AbortController();
    const request = { action: call.action, abort: () => ended.abort() };
    this.#request = request;
    const life = this.#life.signal;
    const signals = [ended.signal, life, AbortSignal.timeout(LONGEST)];
    this.#busy(call.button, true);
    this.#trouble(false);
    try {
      const section = await this.#fetch(call, AbortSignal.any(signals));
      if (request === this.#request && section) this.#show(section, call);
    } catch (error) {
      if (life.aborted || request !== this.#request) return;
      this.#again = () => this.#send(call);
      this.#trouble(true);
      this.#tell("error", { code: error.code ?? "network" });
    } finally {
      if (request === this.#request) {
        this.#request = null;
        this.#busy(call.button, false);
        this.#goOn(call);
      }
    }
  }

  async #fetch({ url, body }, signal) {
    const address = new URL(url, location.href);
    address.searchParams.set("part", "1");
    const answer = await fetch(address, {
      method: body ? "POST" : "GET", body, signal, cache: "no-store", headers: { "X-Requested-With": "henry" },
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const section = page.querySelector(SECTION);
    if (section) return document.adoptNode(section);
    if (answer.redirected) {
      location.assign(answer.url);
      return null;
    }
    throw Object.assign(new Error(`no section: ${answer.status}`), { code: "unexpected_answer" });
  }

  #show(section, call) {
    const old = this.#section;
    if (call.action === "renew" && section.dataset.step === "card" && old.dataset.step === "card") {
      old.dataset.secondsLeft = section.dataset.secondsLeft; // what is being typed into the card's frame stays
      this.#watchTime();
      old.querySelector("[data-henry-heading]")?.focus();
      return;
    }
    if (call.action === "country") keepTyped(old, section);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(section);
    this.#look();
    if (call.action === "country") {
      if (focused) focusSame(focused, section);
      this.#say(section.dataset.announce ?? "");
    } else if (!call.isQuiet) {
      this.#focus(section);
    }
  }

  #focus(section) {
    const heading = section.querySelector("[data-henry-heading]");
    const target = section.querySelector("[data-henry-problems], [data-henry-notice]") ?? heading;
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
    const headline = section.querySelector("[data-henry-headline]") ?? heading;
    this.#say((target === heading ? headline : target)?.innerText.trim() ?? "");
  }

  /** A card that was entered before need not be entered again after a change of address or delivery. */
  #goOn(call) {
    if (this.#card && this.#section?.dataset.step === "card" && ON_THE_WAY.includes(call.action)) this.#sendCard();
  }

  #busy(button, isBusy) {
    this.#section?.setAttribute("aria-busy", String(isBusy));
    if (!button) return;
    if (isBusy) {
      button.setAttribute("aria-disabled", "true");
      if (button.dataset.henryBusy) {
        button.dataset.usual = button.textContent;
        button.textContent = button.dataset.henryBusy;
        this.#say(button.textContent);
      }
      return;
    }
    button.removeAttribute("aria-disabled");
    if (button.dataset.usual) button.textContent = button.dataset.usual;
  }

  #trouble(isThere) {
    const box = this.querySelector("[data-henry-trouble]");
    if (!box || box.hidden !== isThere) return;
    box.hidden = !isThere;
    if (!isThere) return;
    box.querySelector("[tabindex]").focus();
    this.#say(box.querySelector("p").textContent);
  }

  // The card -----------------------------------------------------------------------------

  #mountFrame() {
    const place = this.#section.querySelector("[data-henry-frame]");
    if (!place) return;
    const kind = place.dataset.henryFrame;
    const address = new URL(place.dataset.src, location.href);
    if (kind === "page") address.searchParams.set("embed", "true");
    else {
      address.searchParams.set("origin", location.origin);
      address.searchParams.set("theme", themeOf(this.#section));
    }
    const frame = document.createElement("iframe");
    frame.title = place.dataset.title;
    frame.className = "henry-inline-iframe";
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups");
    frame.setAttribute("allow", "payment");
    frame.referrerPolicy = "strict-origin";
    frame.src = address.href;
    this.#frame = { element: frame, origin: address.origin, kind };
    place.replaceChildren(frame);
    const slow = this.#section.querySelector("[data-henry-slow]");
    if (slow) this.#slow = setTimeout(() => { slow.hidden = false; }, SLOW);
  }

  #heard(event) {
    const frame = this.#frame;
    if (!frame || event.source !== frame.element.contentWindow || event.origin !== frame.origin) return;
    const said = event.data;
    if (typeof said !== "object" || said === null) return;
    if (frame.kind === "page") {
      if (said.status === "complete") this.#sendCard();
    } else if (said.action === "cardElementReady" && Number.isFinite(said.height)) {
      clearTimeout(this.#slow);
      frame.element.style.height = `${Math.min(Math.max(said.height, HEIGHT[0]), HEIGHT[1])}px`;
    } else if (said.action === "cardTokenized") {
      this.#tokenized(said);
    }
  }

  #tokenized(said) {
    if (!isPrintable(said?.cardToken, 255)) return;
    this.#card = { token: said.cardToken, last4: /^\d{4}$/.test(said.last4) ? said.last4 : "" };
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

  // Time ---------------------------------------------------------------------------------

  #watchTime() {
    const left = Number(this.#section.dataset.secondsLeft ?? NaN);
    const box = this.#section.querySelector("[data-henry-time]");
    if (!box || Number.isNaN(left)) return;
    box.hidden = true;
    this.#clock.splice(0).forEach(clearTimeout);
    const warn = () => {
      box.hidden = false;
      this.#say(box.querySelector("p").textContent);
    };
    const end = () => this.#send({ url: this.#section.dataset.url, action: "go" });
    this.#clock.push(setTimeout(warn, Math.max(left - WARN_BEFORE, 0) * 1000), setTimeout(end, (left + 1) * 1000));
  }
}

function themeOf(element) {
  const words = getComputedStyle(element).colorScheme.split(" ");
  if (!words.includes("dark")) return "light";
  return !words.includes("light") || matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** While the server was asked, more may have been typed. What the new country's fields can hold stays. */
function keepTyped(old, fresh) {
  for (const field of old.querySelectorAll("input.henry-inline-input")) {
    const same = fresh.querySelector(`input.henry-inline-input[name="${field.name}"]`);
    if (same) same.value = field.value;
  }
}

/** Whoever has gone on to another field meanwhile stays there. */
function focusSame(focused, section) {
  const same = focused.id ? section.querySelector(`#${CSS.escape(focused.id)}`) : null;
  (same ?? section.querySelector("[data-henry-country]"))?.focus();
  if (same && focused.selectionStart != null && same.type === "text") {
    same.setSelectionRange(focused.selectionStart, focused.selectionEnd);
  }
}

// A browser that cannot give up a call in time uses the forms as they are.
if (AbortSignal.any && !customElements.get("henry-inline")) customElements.define("henry-inline", HenryInline);
