// The pages are whole without this module. It keeps them up to date, moves by keys, copies and tells times.
const page = document.documentElement;
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const base = document.body.dataset.base;
const main = find("#main");

page.dataset.js = "";

// The server's clock counts: a browser's may be set otherwise.
const answered = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
const skew = document.body.dataset.now ? document.body.dataset.now * 1000 - answered : 0;
const clock = () => Date.now() + (Math.abs(skew) > 3000 ? skew : 0);

// --- What a person prefers, kept by the browser ---

const kept = {
  get(key) { try { return localStorage.getItem(`envchart-${key}`) ?? ""; } catch { return ""; } },
  set(key, value) { try { localStorage.setItem(`envchart-${key}`, value); } catch { /* a private window */ } },
};

function prefer(id, apply) {
  const picker = find(`#${id}`);
  const value = kept.get(id);
  if (all("option", picker).some((option) => option.value === value)) picker.value = value;
  picker.addEventListener("change", () => { kept.set(id, picker.value); apply(picker.value); });
  // Another tab of the same pages follows.
  addEventListener("storage", (event) => {
    if (event.key !== `envchart-${id}`) return;
    picker.value = event.newValue ?? "";
    apply(picker.value);
  });
  apply(picker.value);
}

function paint(theme) { if (theme) page.dataset.theme = theme; else delete page.dataset.theme; }

prefer("theme", paint);
// Paper is white.
addEventListener("beforeprint", () => paint("light"));
addEventListener("afterprint", () => paint(find("#theme").value));
prefer("times", tellTimes);

// --- Times ---

function lasting(seconds) {
  for (const [unit, length] of [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`;
  }
  return "";
}

function relative(moment) {
  const passed = (clock() - moment) / 1000;
  if (passed <= -1) return `in ${lasting(-passed)}`;
  return lasting(passed) ? `${lasting(passed)} ago` : "now";
}

function spelled(moment, how) {
  if (how === "utc") return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  if (how !== "local") return relative(moment);
  return moment.toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" });
}

function write(element, text) { if (element.textContent !== text) element.textContent = text; }

function tellTimes() {
  const how = find("#times").value;
  for (const time of all("time")) {
    const words = spelled(new Date(time.dateTime), how);
    const moment = new Date(time.dateTime);
    const lasts = words.endsWith(" ago") ? `for ${words.slice(0, -4)}` : `since ${words}`;
    if ("due" in time.dataset) write(time, moment <= clock() ? `due ${lasts}` : words);
    else write(time, "held" in time.dataset ? lasts : words);
  }
}

// As the server spells durations.
function duration(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function tick() {
  if (document.hidden) return;
  for (const each of all("[data-begun]")) write(each, duration(Math.max(0, clock() / 1000 - each.dataset.begun)));
  for (const bar of all("progress[data-since]")) bar.value = clock() / 1000 - bar.dataset.since;
}

setInterval(tellTimes, 10_000);
setInterval(tick, 1000);

// --- A part of the page, asked for again and merged, so that focus, scroll and open parts stay ---

const keyOf = (node) => node.id || node.dataset?.name || "";

function merge(from, to) {
  if (from.nodeType !== 1) { if (from.data !== to.data) from.data = to.data; return; }
  if (from.isEqualNode(to)) return;
  const own = from.localName === "details" ? ["open"] : [];
  for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value && !own.includes(name)) from.setAttribute(name, value);
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !own.includes(name)) from.removeAttribute(name);
  mergeChildren(from, to);
  // What a person has typed or drags is theirs; any other value is the page's.
  if (from !== document.activeElement && (from.localName === "select" || from.localName === "input")) from.value = to.value;
}

const alike = (one, other) => one.nodeType === other.nodeType && one.localName === other.localName && keyOf(one) === keyOf(other);

// The next of these siblings that may become the wanted element; those before it were in the old page only.
function matching(at, wanted) {
  while (at && !(at.nodeType === 1 && alike(at, wanted))) at = at.nextSibling;
  return at;
}

function mergeChildren(from, to) {
  const keyed = new Map([...from.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const staying = new Set([...to.children].map(keyOf).filter(Boolean));
  // A node that is moved, rather than taken out and put in again, keeps the focus.
  const put = (from.moveBefore ?? from.insertBefore).bind(from);
  let at = from.firstChild;
  const dropUntil = (node) => { while (at && at !== node && !staying.has(keyOf(at))) { const next = at.nextSibling; at.remove(); at = next; } };
  for (const wanted of [...to.childNodes]) {
    const known = keyOf(wanted) && keyed.get(keyOf(wanted));
    const fits = known && alike(known, wanted);
    const present = fits ? known : wanted.nodeType === 1 ? matching(at, wanted) : at;
    if (!present || !alike(present, wanted)) { from.insertBefore(wanted, at); continue; }
    dropUntil(present);
    if (present !== at) put(present, at);
    at = present.nextSibling;
    merge(present, wanted);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

let asked = 0;

async function ask(address = location.href, { write: push = false } = {}) {
  const number = ++asked;
  if (push) history.replaceState(null, "", address); // what changes meanwhile asks for the same
  let answer;
  try {
    answer = await fetch(address, { headers: { "X-Part": "main", Accept: "text/html" } });
  } catch { return; } // the stream says that the connection is lost
  if (answer.status === 401) { location.reload(); return; }
  const text = await answer.text();
  if (number !== asked) return; // a newer question is on its way
  const focused = document.activeElement?.closest?.("[data-name]")?.dataset.name;
  const parsed = new DOMParser().parseFromString(`<main>${text}</main>`, "text/html");
  const title = find("title", parsed);
  document.title = title.textContent;
  title.remove();
  mergeChildren(main, find("main", parsed));
  if (focused && document.activeElement === document.body) find(`[data-name="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  if (answer.status === 404) find("[data-error] h1")?.insertAdjacentHTML("afterend", `<p class="soft">It was here until <time datetime="${new Date(clock()).toISOString()}"></time>.</p>`);
  tellTimes();
  tick();
  center();
}

let waiting = 0;

function askSoon(pause) {
  if (waiting) return;
  waiting = setTimeout(() => { waiting = 0; ask(); }, pause);
}

// --- Live ---

let stream = null;
let again = 0;
let heard = 0;

function tell(state, words) {
  const live = find("#live");
  if (live.dataset.state === state && live.textContent === words) return;
  live.dataset.state = state;
  live.textContent = words;
}

function listen() {
  if (stream || document.hidden || !main.dataset.live) return;
  stream = new EventSource(main.dataset.live);
  heard = Date.now();
  for (const kind of ["version", "alive", "resync", "change"]) stream.addEventListener(kind, () => { heard = Date.now(); });
  stream.addEventListener("version", ({ data }) => {
    tell("live", "live");
    if (data !== main.dataset.version) ask(); // what changed meanwhile was not told
    main.dataset.version = data;
  });
  stream.addEventListener("error", () => {
    const refused = stream.readyState === EventSource.CLOSED;
    tell("lost", refused ? "not live: the server refuses; trying again" : "not live: the connection is lost; trying again");
    if (refused) { leave(); ask(); again = setTimeout(listen, 5000); }
  });
  stream.addEventListener("resync", () => ask());
  stream.addEventListener("change", (event) => change(JSON.parse(event.data)));
}

// The server says at least every 15 seconds that it is there. After a sleep of the machine, or behind a proxy,
// a connection may be gone without an error.
setInterval(() => {
  if (!stream || Date.now() - heard < 40_000) return;
  tell("lost", "not live: the server is silent; trying again");
  leave();
  listen();
}, 5000);

// What could not be read when the page was opened may be readable later.
if (find('[data-error="503"]')) setInterval(async () => {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok) location.reload();
}, 5000);

function leave() {
  clearTimeout(again);
  stream?.close();
  stream = null;
}

function change({ rows, counts }) {
  if (!main.dataset.live.includes("name=")) { changeRows(rows, counts); return; }
  askSoon(30);
}

function changeRows(rows, counts) {
  const moved = count(counts);
  const bySince = new URLSearchParams(location.search).get("sort") === "since";
  let stale = moved || bySince;
  for (const [name, row] of Object.entries(rows)) {
    const shown = find(`[data-name="${CSS.escape(name)}"]`);
    if (!shown) continue;
    if (!row || row.group !== (shown.dataset.group ?? shown.classList[0])) stale = true;
    if (row?.html && shown.localName === "tr") swap(shown, row.html);
  }
  if (stale) askSoon(find(".mosaic") ? 5000 : 1500); // the mosaic is long
}

// Writes the counts, and returns whether any has changed.
function count(counts) {
  let moved = false;
  for (const each of all("[data-counted] [data-count]")) {
    const number = String(counts[each.dataset.count] ?? 0);
    if (each.textContent === number) continue;
    moved = true;
    each.textContent = number;
    if (each.dataset.count !== "all") each.closest("li").hidden = number === "0" && !each.closest("[aria-current]");
  }
  const needing = all(".urgent [data-count]").reduce((sum, each) => sum + Number(each.textContent), 0);
  if (moved) document.title = document.title.replace(/^(\(\d+\) )?/, needing ? `(${needing}) ` : "");
  return moved || !find("[data-counted]");
}

function swap(shown, html) {
  const parsed = find("tr", new DOMParser().parseFromString(`<table>${html}</table>`, "text/html"));
  if (!parsed || shown.isEqualNode(parsed)) return;
  merge(shown, parsed);
  shown.classList.remove("swapped");
  requestAnimationFrame(() => shown.classList.add("swapped"));
  tellTimes();
}

// A browser keeps six connections to a server: a hidden page gives its own up.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave(); else listen();
});
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

// --- Searching and the slider: the address says what is shown ---

let typing = 0;

function addressOf(form) {
  const fields = new URLSearchParams([...new FormData(form)].filter(([key, value]) => value && !(key === "sort" && value === "attention")));
  const query = String(fields).replaceAll("%3A", ":");
  return form.getAttribute("action") + (query ? `?${query}` : "");
}

document.addEventListener("input", (event) => {
  if (event.target.id === "q") {
    clearTimeout(typing);
    typing = setTimeout(() => ask(addressOf(event.target.form), { write: true }), 150);
  } else if (event.target.id === "revision") {
    const { value, dataset, form } = event.target;
    write(find("#slider output"), `${value} of ${dataset.latest}`);
    clearTimeout(typing);
    const address = form.getAttribute("action") + (value === dataset.latest ? "" : `?at=${value}`);
    typing = setTimeout(() => ask(address, { write: true }), 60);
  }
});
document.addEventListener("change", (event) => {
  if (event.target.form?.id === "finder" && event.target.localName === "select") ask(addressOf(event.target.form), { write: true });
});
document.addEventListener("submit", (event) => {
  if (event.target.id === "finder") {
    event.preventDefault();
    clearTimeout(typing);
    ask(addressOf(event.target), { write: true });
  }
  const asking = event.target.dataset?.sure;
  if (asking && !confirm(asking)) event.preventDefault();
});

// --- Copying ---

function say(words) {
  find("#said").textContent = "";
  requestAnimationFrame(() => { find("#said").textContent = words; });
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // without TLS, browsers have no clipboard beyond this machine
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) { say("The browser allows no copying: select the text instead"); return; }
  }
  say(`Copied: ${text}`);
  if (!button) return;
  button.dataset.done = "";
  button.textContent = "Copied";
  setTimeout(() => { delete button.dataset.done; button.textContent = "Copy"; }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(find("code", button.parentElement).textContent, button);
  if (event.target.closest("#open-keys")) find("#keys").showModal();
});

// --- Keys ---

function move(by) {
  const links = all("[data-name] a.name, .mosaic a, .history td.number a");
  if (!links.length) return;
  const at = links.indexOf(document.activeElement?.closest?.("tr")?.querySelector("a.name, td.number a") ?? document.activeElement);
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  "/": () => { const field = find("#q"); if (field) { field.focus(); field.select(); } else location.assign(`${base}/`); },
  j: () => move(1),
  k: () => move(-1),
  c: () => {
    const row = document.activeElement?.closest?.("[data-name]");
    const text = row ? row.dataset.name : find(".command code")?.textContent;
    if (text) copy(text, row ? null : find(".command button"));
  },
  u: () => { find("#up")?.click(); },
  "?": () => find("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  const typed = event.target.closest?.("input:not([type=range]), select, textarea, [contenteditable]");
  if (event.key === "Escape" && event.target.id === "q") { event.target.blur(); return; }
  if (typed || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// The way up leads to the search that led here.
const above = { get() { try { return sessionStorage.getItem("envchart-above"); } catch { return null; } }, set() { try { sessionStorage.setItem("envchart-above", location.href); } catch { /* as above */ } } };
const isOverview = main.dataset.live && !main.dataset.live.includes("name=");
if (isOverview) addEventListener("pagehide", above.set);
else if (above.get()?.startsWith(`${location.origin}${base}/`)) {
  const up = find("#up");
  if (up?.getAttribute("href") === `${base}/`) up.href = above.get();
}

// On a phone, the chart is wider than the screen: the current state is shown.
function center() {
  for (const chart of all(".chart-card figure")) {
    if (chart.scrollWidth <= chart.clientWidth) continue;
    const current = all(".state.current, .state.failed", chart).map((state) => state.getBoundingClientRect()).find(({ width }) => width);
    if (current) chart.scrollLeft += (current.left + current.right) / 2 - chart.getBoundingClientRect().left - chart.clientWidth / 2;
  }
}

center();
tick();
listen();
