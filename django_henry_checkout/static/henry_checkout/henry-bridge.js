// Messages and polling, shared by the element on the shop's page and by the wrapper page.
//
// A message proves nothing. One from the right window, of an exact origin and in a known shape, is a reason to ask our
// server at once. Any other message is dropped; with `debug` it is reported.

export const SECOND = 1000;
export const LIMITS = {
  slow: 12 * SECOND, timeout: 45 * SECOND, poll: 3 * SECOND, slowestPoll: 15 * SECOND, warn: 120 * SECOND,
  handshake: 5 * SECOND, attempts: 3, checkWindow: SECOND, request: 10 * SECOND, redirect: 1.2 * SECOND,
};
export const PROTOCOL = 1;

/** Returns the hint in a message of Henry's page, or why the message is rejected. */
export function parseMessage(event, { source, origins }) {
  if (!source || event.source !== source) return { rejected: "source" };
  if (!origins.includes(event.origin)) return { rejected: "origin" };
  let { data } = event;
  if (typeof data === "string") {
    if (data.length > 16384) return { rejected: "size" };
    try { data = JSON.parse(data); } catch { return { rejected: "shape" }; }
  }
  if (data === null || typeof data !== "object" || Array.isArray(data)) return { rejected: "shape" };
  const own = (name) => (Object.hasOwn(data, name) ? data[name] : undefined);
  const action = own("action");
  const orderId = own("orderId") ?? "";
  if (typeof orderId !== "string" || orderId.length > 255 || !/^[\x21-\x7e]*$/.test(orderId)) return { rejected: "shape" };
  if (action === "orderCompleted") return { hint: "completed", orderId };
  if (action === "checkoutClosed") return { hint: "closed", orderId };
  return { rejected: "unknown_action" }; // perhaps of a newer Henry
}

/** Allows 20 messages a second; above that, none for 5 s. */
export class RateLimit {
  #count = 0; #since = 0; #blockedUntil = 0;
  allows() {
    const now = performance.now();
    if (now < this.#blockedUntil) return false;
    if (now - this.#since > SECOND) [this.#since, this.#count] = [now, 0];
    if (++this.#count > 20) this.#blockedUntil = now + 5 * SECOND;
    return this.#count <= 20;
  }
}

/** Polls the state of a checkout: with growing pauses, at once when there is a reason, never while the page is hidden. */
export class StatePoller {
  #timer; #url; #limits; #onState; #version = -1; #pause; #busy = false; #claimed = ""; #checking = null; #stop = new AbortController();
  constructor(url, onState, limits = LIMITS) {
    [this.#url, this.#onState, this.#limits, this.#pause] = [url, onState, limits, limits.poll];
    const options = { signal: this.#stop.signal };
    const now = () => { this.#pause = this.#limits.poll; this.#poll(); };
    document.addEventListener("visibilitychange", now, options);
    for (const name of ["focus", "pageshow", "online"]) window.addEventListener(name, now, options);
    this.#timer = setTimeout(() => this.#poll(), this.#pause);
  }
  get isOver() { return this.#stop.signal.aborted; }
  stop() { this.#stop.abort(); clearTimeout(this.#timer); }
  /** Posts an action, before which the server asks Henry. Resolves to the state, or null if the request failed. */
  send(action = "refresh", claimedOrderId = "") {
    const body = JSON.stringify({ action, claimedOrderId });
    return this.#fetch({ method: "POST", body, headers: { "Content-Type": "application/json" } });
  }
  /** Refreshes until there is an outcome, for up to 30 s. Concurrent calls share one loop. */
  verify(claimedOrderId = "") {
    this.#claimed = claimedOrderId || this.#claimed;
    this.#checking ??= this.#check().finally(() => { this.#checking = null; });
    return this.#checking;
  }
  async #check() {
    const until = performance.now() + 30 * SECOND;
    for (let pause = 500; !this.isOver; pause = Math.min(pause * 2, 8 * SECOND)) {
      const state = await this.send("refresh", this.#claimed);
      if (state?.outcome || performance.now() + pause > until) return;
      await new Promise((done) => setTimeout(done, pause));
    }
  }
  async #poll() {
    clearTimeout(this.#timer);
    if (this.isOver || this.#busy || document.hidden) return;
    this.#busy = true;
    await this.#fetch({});
    this.#busy = false;
    this.#pause = Math.min(this.#pause * 1.3, this.#limits.slowestPoll);
    if (!this.isOver) this.#timer = setTimeout(() => this.#poll(), this.#pause);
  }
  async #fetch(init) {
    try {
      const signal = AbortSignal.timeout(this.#limits.request);
      const response = await fetch(this.#url, { ...init, cache: "no-store", signal });
      if (!response.ok || this.isOver) return null;
      const state = await response.json();
      if (state.version < this.#version) return null; // an older response that arrived late
      this.#version = state.version;
      this.#onState(state);
      return state;
    } catch { return null; } // the next poll follows anyway
  }
}

/** The shop page's end of the wrapper protocol: a handshake by messages, then a private port. */
export class Wrapper {
  #port; #frame; #origin; #session; #onNote; #id = 0; #pending = new Map(); #sequence = -1; #stop = new AbortController();
  constructor(frame, url, { session, follows, onNote, reject }) {
    [this.#frame, this.#origin, this.#session, this.#onNote] = [frame, new URL(url, location.href).origin, session, onNote];
    window.addEventListener("message", (event) => {
      if (event.source !== this.#frame.contentWindow) return reject("source", event);
      if (event.origin !== this.#origin) return reject("origin", event);
      const { henry, type, versions, session: id } = Object(event.data);
      if (henry !== PROTOCOL || type !== "ready" || !Array.isArray(versions)) return reject("shape", event);
      if (this.#session && id !== this.#session) return reject("session", event);
      if (this.#port || !versions.includes(PROTOCOL)) return; // repeated, or of another version
      this.#sendHello(follows);
    }, { signal: this.#stop.signal });
  }
  #sendHello(follows) {
    const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    let isKnown = false; // true once the wrapper has repeated the nonce
    port1.onmessage = (event) => {
      const data = Object(event.data);
      if (!isKnown) { isKnown = data.method === "welcome" && data.params?.nonce === nonce; return; }
      if (data.seq <= this.#sequence) return;
      if (data.id !== undefined) return this.#pending.get(data.id)?.(data.result ?? null);
      if (data.seq !== undefined) this.#sequence = data.seq;
      this.#onNote(data.method, data.params ?? {});
    };
    const hello = { henry: PROTOCOL, type: "hello", version: PROTOCOL, nonce, follows };
    this.#frame.contentWindow.postMessage(hello, this.#origin, [port2]);
  }
  /** Lets the wrapper post an action to the server. Resolves to the state, or null. */
  send(action = "refresh") {
    if (!this.#port) return Promise.resolve(null);
    const id = ++this.#id;
    return new Promise((done) => {
      const timer = setTimeout(() => done(null), LIMITS.request);
      this.#pending.set(id, (result) => { clearTimeout(timer); this.#pending.delete(id); done(result); });
      this.#port.postMessage({ jsonrpc: "2.0", id, method: "ask", params: { action } });
    });
  }
  stop() { this.#stop.abort(); this.#port?.close(); this.#pending.forEach((done) => done(null)); }
}
