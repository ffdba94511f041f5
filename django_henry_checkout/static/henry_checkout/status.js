// Keeps every [data-henry-live] section up to date: fetches its panel, shows it, and announces a changed headline.
// A page may have several sections. Call `watchOrders()` again after adding some; each is watched once.

const MIN_PAUSE = 2000;
const MAX_PAUSE = 15000;
const MAX_FAILURES = 8;
const FOCUSABLE = "a[href], button, input, summary, [tabindex]";

export function watchOrders(root = document) {
  for (const section of root.querySelectorAll("[data-henry-live]:not([data-watched])")) {
    section.dataset.watched = "";
    watch(section);
  }
}

function watch(section) {
  let pause = MIN_PAUSE;
  let failures = 0;
  let etag = "";
  let busy = false;
  let timer;

  const controller = new AbortController();

  const isDone = () => "ended" in section.dataset || failures >= MAX_FAILURES || !section.isConnected;

  async function poll() {
    clearTimeout(timer);
    if (isDone()) controller.abort();
    if (busy || document.hidden || isDone()) return;
    busy = true;
    try {
      const changed = await refresh();
      failures = 0;
      pause = changed ? MIN_PAUSE : Math.min(pause * 1.3, MAX_PAUSE);
    } catch {
      failures += 1;
      pause = Math.min(pause * 2, MAX_PAUSE);
    }
    busy = false;
    if (failures >= MAX_FAILURES) section.querySelector("[data-henry-stale]").hidden = false;
    if (!isDone()) timer = setTimeout(poll, pause);
  }

  async function refresh() {
    const headers = etag ? { "If-None-Match": etag } : {};
    const response = await fetch(section.dataset.url, {
      headers, cache: "no-store", signal: AbortSignal.timeout(10000),
    });
    if (response.status === 304) return false;
    if ([403, 404, 410].includes(response.status)) failures = MAX_FAILURES; // the link has expired
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-henry-panel]");
    if (!response.ok || !fresh) throw new Error(`no panel: ${response.status}`);
    etag = response.headers.get("ETag") ?? "";
    return show(section, fresh);
  }

  document.addEventListener("visibilitychange", poll, { signal: controller.signal });
  window.addEventListener("focus", poll, { signal: controller.signal });
  timer = setTimeout(poll, MIN_PAUSE);
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
