// Who may speak to a checkout, and whom it believes: shared by the element on the shop's page and by the wrapper page.
//
// A message proves nothing. One that comes from the right window, from an exact origin, in a known shape, is a reason
// to ask our server at once; every other one is dropped, and told only to who debugs.

export const SECOND = 1000;
export const LIMITS = {
  soft: 12 * SECOND, hard: 45 * SECOND, poll: 3 * SECOND, slowest: 15 * SECOND, warn: 120 * SECOND,
  handshake: 5 * SECOND, tries: 3, look: SECOND, ask: 10 * SECOND, goOn: 1.2 * SECOND,
};
export const PROTOCOL = 1;

/** Reads a message of Henry's page; answers what it hints at, or why it is none of ours. Source first, then origin. */
export function readHenry(event, { source, origins }) {
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
  return { rejected: "unknown_action" }; // perhaps a newer Henry
}

/** Lets through 20 messages a second; then nothing for 5 s. A flood costs no more than one comparison each. */
export class Gate {
  #count = 0; #since = 0; #shut = 0;
  isOpen() {
    const now = performance.now();
    if (now < this.#shut) return false;
    if (now - this.#since > SECOND) [this.#since, this.#count] = [now, 0];
    if (++this.#count > 20) this.#shut = now + 5 * SECOND;
    return this.#count <= 20;
  }
}

/** Asks our server how far a checkout is: now and then, at once when there is a reason, never while hidden. */
export class Follower {
  #timer; #url; #limits; #tell; #version = -1; #pause; #busy = false; #claimed = ""; #checking = null; #stop = new AbortController();
  constructor(url, tell, limits = LIMITS) {
    [this.#url, this.#tell, this.#limits, this.#pause] = [url, tell, limits, limits.poll];
    const options = { signal: this.#stop.signal };
    const now = () => { this.#pause = this.#limits.poll; this.#poll(); };
    document.addEventListener("visibilitychange", now, options);
    for (const name of ["focus", "pageshow", "online"]) window.addEventListener(name, now, options);
    this.#timer = setTimeout(() => this.#poll(), this.#pause);
  }
  get isOver() { return this.#stop.signal.aborted; }
  stop() { this.#stop.abort(); clearTimeout(this.#timer); }
  /** Tells the server that there may be news; it asks Henry. Answers the state, or null if it could not be had. */
  ask(action = "look", claimedOrderId = "") {
    const body = JSON.stringify({ action, claimedOrderId });
    return this.#exchange({ method: "POST", body, headers: { "Content-Type": "application/json" } });
  }
  /** Asks until something is certain, with growing pauses, for 30 s in all. However often it is called, one asks. */
  verify(claimedOrderId = "") {
    this.#claimed = claimedOrderId || this.#claimed;
    this.#checking ??= this.#check().finally(() => { this.#checking = null; });
    return this.#checking;
  }
  async #check() {
    const until = performance.now() + 30 * SECOND;
    for (let pause = 500; !this.isOver; pause = Math.min(pause * 2, 8 * SECOND)) {
      const state = await this.ask("look", this.#claimed);
      if (state?.outcome || performance.now() + pause > until) return;
      await new Promise((done) => setTimeout(done, pause));
    }
  }
  async #poll() {
    clearTimeout(this.#timer);
    if (this.isOver || this.#busy || document.hidden) return;
    this.#busy = true;
    await this.#exchange({});
    this.#busy = false;
    this.#pause = Math.min(this.#pause * 1.3, this.#limits.slowest);
    if (!this.isOver) this.#timer = setTimeout(() => this.#poll(), this.#pause);
  }
  async #exchange(init) {
    try {
      const signal = AbortSignal.timeout(this.#limits.ask);
      const answer = await fetch(this.#url, { ...init, cache: "no-store", signal });
      if (!answer.ok || this.isOver) return null;
      const state = await answer.json();
      if (state.version < this.#version) return null; // an older answer that came late
      this.#version = state.version;
      this.#tell(state);
      return state;
    } catch { return null; } // the next look comes anyway
  }
}

/** The shop's end of the wrapper's frame: our own protocol, over a private port once both sides know each other. */
export class Wrapper {
  #port; #frame; #origin; #session; #tell; #next = 0; #waiting = new Map(); #seen = -1; #stop = new AbortController();
  constructor(frame, url, { session, follows, tell, reject }) {
    [this.#frame, this.#origin, this.#session, this.#tell] = [frame, new URL(url, location.href).origin, session, tell];
    window.addEventListener("message", (event) => {
      if (event.source !== this.#frame.contentWindow) return reject("source", event);
      if (event.origin !== this.#origin) return reject("origin", event);
      const { henry, type, versions, session: id } = Object(event.data);
      if (henry !== PROTOCOL || type !== "ready" || !Array.isArray(versions)) return reject("shape", event);
      if (this.#session && id !== this.#session) return reject("session", event);
      if (this.#port || !versions.includes(PROTOCOL)) return; // said again, or of another age
      this.#greet(follows);
    }, { signal: this.#stop.signal });
  }
  #greet(follows) {
    const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    let isKnown = false; // until it has repeated the nonce
    port1.onmessage = (event) => {
      const data = Object(event.data);
      if (!isKnown) { isKnown = data.method === "welcome" && data.params?.nonce === nonce; return; }
      if (data.seq <= this.#seen) return;
      if (data.id !== undefined) return this.#waiting.get(data.id)?.(data.result ?? null);
      if (data.seq !== undefined) this.#seen = data.seq;
      this.#tell(data.method, data.params ?? {});
    };
    const hello = { henry: PROTOCOL, type: "hello", version: PROTOCOL, nonce, follows };
    this.#frame.contentWindow.postMessage(hello, this.#origin, [port2]);
  }
  /** Asks the wrapper to ask the server; answers the state, or null. */
  ask(action = "look") {
    if (!this.#port) return Promise.resolve(null);
    const id = ++this.#next;
    return new Promise((done) => {
      const late = setTimeout(() => done(null), LIMITS.ask);
      this.#waiting.set(id, (result) => { clearTimeout(late); this.#waiting.delete(id); done(result); });
      this.#port.postMessage({ jsonrpc: "2.0", id, method: "ask", params: { action } });
    });
  }
  stop() { this.#stop.abort(); this.#port?.close(); this.#waiting.forEach((done) => done(null)); }
}
