// The wrapper page: Henry's page in a frame of ours, in a frame of the shop's page. Like the shop's page it treats Henry's
// messages as hints only; it asks our server, and reports to the shop's page over a private port.

import { LIMITS, PROTOCOL, RateLimit, SECOND, StatePoller, parseMessage } from "./henry-bridge.js";

const page = document.querySelector("[data-henry-wrapper]");
const { henryUrl, henryOrigins, stateUrl, parentOrigin, session, problem, sandbox, slowAfter, frameTimeout, needsStorage } = page.dataset;
const origins = henryOrigins.split(" ");
const limits = { ...LIMITS, slow: Number(slowAfter) * SECOND, timeout: Number(frameTimeout) * SECOND };
const pane = page.querySelector("[data-henry-pane]");
const slow = page.querySelector("[data-henry-slow]");
const rateLimit = new RateLimit();

let port = null;
let frame = null;
let poller = null;
let outcome = "";
let sequence = 0;
let lastRejection = 0;
const unsent = []; // notes from before the shop's page sent its hello

function notify(method, params = {}) {
  const note = { jsonrpc: "2.0", seq: ++sequence, method, params };
  if (port) port.postMessage(note);
  else if (unsent.length < 20) unsent.push(note);
}

function reject(reason) {
  if (performance.now() - lastRejection < SECOND) return; // one a second is enough for debugging
  lastRejection = performance.now();
  notify("rejected", { reason });
}

// The shop's page -------------------------------------------------------------------------

function handleHello(event) {
  if (event.origin !== parentOrigin) return reject("origin");
  const { henry, type, version, nonce, follows } = Object(event.data);
  if (henry !== PROTOCOL || type !== "hello" || version !== PROTOCOL || !/^[0-9a-f]{32}$/.test(nonce)) return reject("shape");
  if (port || event.ports.length !== 1) return reject("second_hello");
  [port] = event.ports;
  port.onmessage = handleRequest;
  port.postMessage({ jsonrpc: "2.0", method: "welcome", params: { nonce } });
  unsent.splice(0).forEach((note) => port.postMessage(note));
  if (!follows) startPolling(); // else the shop's page polls the server itself
}

async function handleRequest({ data }) {
  const { id, method, params } = Object(data);
  if (id === undefined) return;
  if (method !== "ask") return port.postMessage({ jsonrpc: "2.0", id, error: { code: -32601, message: "unknown method" } });
  const action = params?.action === "cancel" || params?.action === "extend" ? params.action : "refresh";
  port.postMessage({ jsonrpc: "2.0", id, result: await startPolling().send(action) });
}

function startPolling() {
  poller ??= new StatePoller(stateUrl, (state) => {
    if (outcome) return; // an outcome is final
    outcome = state.outcome;
    notify("state", state);
    if (outcome) finish();
  }, limits);
  return poller;
}

function finish() {
  poller.stop();
  clearTimeout(slowTimer);
  clearTimeout(failTimer);
  slow.hidden = true;
}

// Henry's page ----------------------------------------------------------------------------

function handleHenry(event) {
  if (!rateLimit.allows()) return reject("rate");
  if (event.origin === location.origin) {
    if (Object(event.data).henry === "returned") handleHint("returned"); // our own return page
    return;
  }
  const { hint, orderId, rejected } = parseMessage(event, { source: frame?.contentWindow, origins });
  if (rejected) return reject(rejected);
  handleHint(hint, orderId);
}

function handleHint(kind, orderId = "") {
  if (outcome) return;
  notify("hint", { kind, orderId });
  if (poller) poller.verify(orderId);
}

let slowTimer;
let failTimer;

function open() {
  frame = document.createElement("iframe");
  const allowed = ["'src'", ...origins].join(" ");
  frame.className = "henry-payment";
  frame.title = page.dataset.title;
  frame.name = `henry-${session}`;
  frame.allow = `payment ${allowed}; publickey-credentials-get ${allowed}; clipboard-write ${allowed}`;
  frame.referrerPolicy = "strict-origin";
  if (sandbox) frame.sandbox = sandbox;
  slowTimer = setTimeout(() => { slow.hidden = Boolean(port); }, limits.slow); // with a port the parent page shows this
  failTimer = setTimeout(() => fail("load_timeout"), limits.timeout);
  frame.addEventListener("load", () => {
    clearTimeout(slowTimer);
    clearTimeout(failTimer);
    slow.hidden = true;
    notify("opened");
  });
  frame.src = henryUrl; // before it is inserted: an empty frame fires "load" at once
  page.append(frame);
}

function fail(code) {
  frame?.remove();
  frame = null;
  slow.hidden = true;
  pane.hidden = false;
  pane.dataset.problem = code;
  notify("failed", { code });
  startPolling();
}

window.addEventListener("message", (event) => {
  if (event.source === window.parent && window.parent !== window) handleHello(event);
  else if (frame && event.source === frame.contentWindow) handleHenry(event);
  else reject("source");
});

/** A payment page that requires a sign-in needs its own cookies in the frame. */
async function isStorageBlocked() {
  if (!navigator.cookieEnabled) return true;
  return needsStorage !== undefined && (await document.hasStorageAccess?.()) === false;
}

if (problem) fail(problem);
else if (await isStorageBlocked()) fail("storage_blocked");
else open();

const ready = { henry: PROTOCOL, type: "ready", versions: [PROTOCOL], session };
function announce(left) {
  if (port) return;
  if (!left) return startPolling(); // no parent responds: the page works by itself
  window.parent.postMessage(ready, parentOrigin);
  setTimeout(() => announce(left - 1), limits.handshake);
}
announce(limits.attempts);
