// Keeps every [data-henry-live] section up to date: asks for its panel, shows it, says what changed.
// Several sections on a page are fine. Call `watchOrders()` again after adding some; each is watched once.

const FIRST = 2000;
const SLOWEST = 15000;
const MAX_FAILURES = 8;
const FOCUSABLE = "a[href], button, input, summary, [tabindex]";

export function watchOrders(root = document) {
  for (const section of root.querySelectorAll("[data-henry-live]:not([data-watched])")) {
    section.dataset.watched = "";
    watch(section);
  }
}

function watch(section) {
  let pause = FIRST;
  let failures = 0;
  let etag = "";
  let busy = false;
  let timer;

  const listening = new AbortController();

  const isOver = () => "ended" in section.dataset || failures >= MAX_FAILURES || !section.isConnected;

  async function ask() {
    clearTimeout(timer);
    if (isOver()) listening.abort();
    if (busy || document.hidden || isOver()) return;
    busy = true;
    try {
      const changed = await refresh();
      failures = 0;
      pause = changed ? FIRST : Math.min(pause * 1.3, SLOWEST);
    } catch {
      failures += 1;
      pause = Math.min(pause * 2, SLOWEST);
    }
    busy = false;
    if (failures >= MAX_FAILURES) section.querySelector("[data-henry-stale]").hidden = false;
    if (!isOver()) timer = setTimeout(ask, pause);
  }

  async function refresh() {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(section.dataset.url, {
      headers, cache: "no-store", signal: AbortSignal.timeout(10000),
    });
    if (answer.status === 304) return false;
    if ([403, 404, 410].includes(answer.status)) failures = MAX_FAILURES; // the link has lapsed
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-henry-panel]");
    if (!answer.ok || !fresh) throw new Error(`no panel: ${answer.status}`);
    etag = answer.headers.get("ETag") ?? "";
    return show(section, fresh);
  }

  document.addEventListener("visibilitychange", ask, { signal: listening.signal });
  window.addEventListener("focus", ask, { signal: listening.signal });
  timer = setTimeout(ask, FIRST);
}

function show(section, fresh) {
  const old = section.querySelector("[data-henry-panel]");
  if (old.isEqualNode(fresh)) return false;
  const focused = [...old.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  const before = headline(old);
  old.replaceWith(fresh);
  fresh.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
  if (headline(fresh) !== before) {
    section.querySelector("[data-henry-announce]").textContent = headline(fresh);
  }
  if ("ended" in fresh.dataset) section.dataset.ended = "";
  return true;
}

const headline = (panel) => panel.querySelector("[data-henry-headline]")?.textContent.trim();

watchOrders();
