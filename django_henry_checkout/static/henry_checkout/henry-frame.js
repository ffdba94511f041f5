// The wrapper page: Henry's page in a frame of ours, in a frame of the shop's page. It believes Henry's messages no
// more than the shop's page does, asks our server, and tells the shop's page over a private port.

import { Follower, Gate, LIMITS, PROTOCOL, SECOND, readHenry } from "./henry-bridge.js";

const page = document.querySelector("[data-henry-wrapper]");
const { henryUrl, henryOrigins, stateUrl, parentOrigin, session, trouble, sandbox, soft, hard, needsStorage } = page.dataset;
const origins = henryOrigins.split(" ");
const limits = { ...LIMITS, soft: Number(soft) * SECOND, hard: Number(hard) * SECOND };
const pane = page.querySelector("[data-henry-pane]");
const slow = page.querySelector("[data-henry-slow]");
const gate = new Gate();

let port = null;
let frame = null;
let follower = null;
let outcome = "";
let sequence = 0;
let told = 0;
const untold = []; // what happened before the shop's page said hello

function tell(method, params = {}) {
  const note = { jsonrpc: "2.0", seq: ++sequence, method, params };
  if (port) port.postMessage(note);
  else if (untold.length < 20) untold.push(note);
}

function reject(reason) {
  if (performance.now() - told < SECOND) return; // once a second is enough to find out why
  told = performance.now();
  tell("rejected", { reason });
}

// The shop's page -------------------------------------------------------------------------

function hello(event) {
  if (event.origin !== parentOrigin) return reject("origin");
  const { henry, type, version, nonce, follows } = Object(event.data);
  if (henry !== PROTOCOL || type !== "hello" || version !== PROTOCOL || !/^[0-9a-f]{32}$/.test(nonce)) return reject("shape");
  if (port || event.ports.length !== 1) return reject("second_hello");
  [port] = event.ports;
  port.onmessage = command;
  port.postMessage({ jsonrpc: "2.0", method: "welcome", params: { nonce } });
  untold.splice(0).forEach((note) => port.postMessage(note));
  if (!follows) follow(); // else the shop's page asks the server itself
}

async function command({ data }) {
  const { id, method, params } = Object(data);
  if (id === undefined) return;
  if (method !== "ask") return port.postMessage({ jsonrpc: "2.0", id, error: { code: -32601, message: "unknown method" } });
  const action = params?.action === "cancel" || params?.action === "extend" ? params.action : "look";
  port.postMessage({ jsonrpc: "2.0", id, result: await follow().ask(action) });
}

function follow() {
  follower ??= new Follower(stateUrl, (state) => {
    if (outcome) return; // what ended stays as it ended
    outcome = state.outcome;
    tell("state", state);
    if (outcome) end();
  }, limits);
  return follower;
}

function end() {
  follower.stop();
  clearTimeout(softly);
  clearTimeout(hardly);
  slow.hidden = true;
}

// Henry's page ----------------------------------------------------------------------------

function henry(event) {
  if (!gate.isOpen()) return reject("rate");
  if (event.origin === location.origin) {
    if (Object(event.data).henry === "returned") hint("returned"); // our own page, at the end of the way back
    return;
  }
  const heard = readHenry(event, { source: frame?.contentWindow, origins });
  if (heard.rejected) return reject(heard.rejected);
  hint(heard.hint, heard.orderId);
}

function hint(kind, orderId = "") {
  if (outcome) return;
  tell("hint", { kind, orderId });
  if (follower) follower.verify(orderId);
}

let softly;
let hardly;

function open() {
  frame = document.createElement("iframe");
  const around = ["'src'", ...origins].join(" ");
  frame.className = "henry-payment";
  frame.title = page.dataset.title;
  frame.name = `henry-${session}`;
  frame.allow = `payment ${around}; publickey-credentials-get ${around}; clipboard-write ${around}`;
  frame.referrerPolicy = "strict-origin";
  if (sandbox) frame.sandbox = sandbox;
  softly = setTimeout(() => { slow.hidden = Boolean(port); }, limits.soft); // else the page around it says so
  hardly = setTimeout(() => fail("load_timeout"), limits.hard);
  frame.addEventListener("load", () => {
    clearTimeout(softly);
    clearTimeout(hardly);
    slow.hidden = true;
    tell("opened");
  });
  frame.src = henryUrl; // before it is put in: an empty frame says "load" at once
  page.append(frame);
}

function fail(code) {
  frame?.remove();
  frame = null;
  slow.hidden = true;
  pane.hidden = false;
  pane.dataset.trouble = code;
  tell("failed", { code });
  follow();
}

window.addEventListener("message", (event) => {
  if (event.source === window.parent && window.parent !== window) hello(event);
  else if (frame && event.source === frame.contentWindow) henry(event);
  else reject("source");
});

/** Where the payment page lets nobody pay who has not signed in, it needs cookies of its own in a frame. */
async function isStorageBlocked() {
  if (!navigator.cookieEnabled) return true;
  return needsStorage !== undefined && (await document.hasStorageAccess?.()) === false;
}

if (trouble) fail(trouble);
else if (await isStorageBlocked()) fail("storage_blocked");
else open();

const ready = { henry: PROTOCOL, type: "ready", versions: [PROTOCOL], session };
function announce(left) {
  if (port) return;
  if (!left) return follow(); // nobody listens: the page works by itself
  window.parent.postMessage(ready, parentOrigin);
  setTimeout(() => announce(left - 1), limits.handshake);
}
announce(limits.tries);
