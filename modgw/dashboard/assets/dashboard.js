// Follows the host: replaces the parts of the page that have changed, and draws the plots.
import { Plots } from "./plots.js";

const live = document.getElementById("live");
const figures = document.querySelector("[data-figures]");
const plots = figures ? new Plots(figures) : null;

// replacePart shows the new text of a part. What is open, scrolled or focused stays so.
function replacePart(part, html) {
  const open = [...part.querySelectorAll("details[open][id]")].map(d => d.id);
  const scrolled = [...part.querySelectorAll(".log, pre")].map(e => e.scrollTop);
  const focus = part.contains(document.activeElement) ? document.activeElement : null;
  const selection = getSelection();
  if (!selection.isCollapsed && part.contains(selection.anchorNode)) return false; // the reader copies something
  const address = focus?.getAttribute("href");
  part.innerHTML = html; // the server has escaped it
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  part.querySelectorAll(".log, pre").forEach((e, i) => { e.scrollTop = scrolled[i] ?? 0; });
  if (address) [...part.querySelectorAll("a")].find(a => a.getAttribute("href") === address)?.focus({ preventScroll: true });
  return true;
}

const filter = document.getElementById("filter");

// filterApps hides the apps that do not have what was typed.
function filterApps() {
  if (!filter) return;
  const wanted = filter.value.trim().toLowerCase();
  const rows = document.querySelectorAll("tr[data-app]");
  filter.closest("p").hidden = rows.length < 6 && !wanted;
  for (const row of rows) row.hidden = !row.querySelector("th").textContent.toLowerCase().includes(wanted);
}

filter?.addEventListener("input", filterApps);
document.addEventListener("keydown", e => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input")) return;
  if (!filter || filter.closest("p").hidden) return;
  e.preventDefault();
  filter.focus();
});
filterApps();

const waiting = new Map(); // parts that could not be replaced yet

function showParts(changed) {
  for (const [name, html] of Object.entries(changed)) waiting.set(name, html);
  for (const [name, html] of [...waiting]) {
    const part = document.querySelector(`[data-part="${name}"]`);
    if (!part || replacePart(part, html)) waiting.delete(name);
  }
  filterApps();
}

function showState(text, on) {
  live.hidden = false;
  live.textContent = text;
  live.classList.toggle("on", on);
}

// follow keeps a connection to the host while the page can be seen.
function follow(path) {
  let source = null;
  const start = () => {
    if (source || document.hidden) return;
    source = new EventSource(path);
    source.addEventListener("open", () => { showState("live", true); plots?.load(); });
    source.addEventListener("parts", e => showParts(JSON.parse(e.data)));
    source.addEventListener("points", e => plots?.add(JSON.parse(e.data)));
    source.addEventListener("error", () => {
      showState(source.readyState === EventSource.CLOSED ? "ended: load the page again" : "connecting…", false);
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { start(); return; }
    source?.close();
    source = null;
  });
  start();
}

if (document.body.dataset.events) follow(document.body.dataset.events);
