// Small helpers of the pages. Every page works without them, only slower to use.
"use strict";

const palette = () => document.getElementById("palette");

function openPalette() {
  const dialog = palette();
  if (!dialog || dialog.open) return;
  dialog.showModal();
  const input = dialog.querySelector("input");
  input.select();
}

// by the key's place, not its letter: Ctrl+K in a Russian layout is Ctrl+Л
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.code === "KeyK") {
    event.preventDefault();
    openPalette();
  }
});

// on a phone the tab that is open may stand outside of the row; scrollIntoView would let the Tab key begin there
const openTab = document.querySelector(".tabs [aria-current]"), row = openTab?.closest(".tabs");
if (openTab) row.scrollLeft += openTab.getBoundingClientRect().right - row.getBoundingClientRect().right;

// menus that hang over the page; other parts that open stay as they are
const MENUS = "details.me, details.choose, details.tiny, details.rest, details.picker";

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-palette]")) openPalette();
  if (event.target === palette()) palette().close();
  for (const menu of document.querySelectorAll(MENUS)) {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(MENUS)) {
    if (!menu.open) continue;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// arrows move through what was found
document.addEventListener("keydown", (event) => {
  const dialog = palette();
  if (!dialog || !dialog.open || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
  const found = [...dialog.querySelectorAll("#found a")];
  const here = found.indexOf(document.activeElement);
  if (event.key === "Enter") {
    if (here < 0 && found.length) { event.preventDefault(); found[0].click(); }
    return;
  }
  event.preventDefault();
  const next = event.key === "ArrowDown" ? here + 1 : here - 1;
  if (next < 0) dialog.querySelector("input").focus();
  else if (next < found.length) found[next].focus();
});

// answers that carry an error are shown in their place too
document.addEventListener("htmx:beforeSwap", (event) => {
  if ([400, 409, 410, 422].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// a file dropped anywhere on a drop zone is sent at once
document.addEventListener("dragover", (event) => {
  const zone = event.target.closest && event.target.closest("[data-drop]");
  if (!zone) return;
  event.preventDefault();
  zone.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  const zone = event.target.closest && event.target.closest("[data-drop]");
  if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  const zone = event.target.closest && event.target.closest("[data-drop]");
  if (!zone || !event.dataTransfer.files.length) return;
  event.preventDefault();
  zone.querySelector("input[type=file]").files = event.dataTransfer.files;
  zone.requestSubmit();
});

// a chosen file is sent like a dropped one; a way back to the page finds the zone as it was
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-drop] input[type=file]") && event.target.files.length) event.target.form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-drop]")) event.target.classList.add("busy");
});
window.addEventListener("pageshow", () => {
  for (const zone of document.querySelectorAll("[data-drop].busy")) zone.classList.remove("busy");
});

// what is there to be copied is chosen as a whole
document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[readonly]")) event.target.select();
});

// which part of the story is shown
document.addEventListener("htmx:afterRequest", (event) => {
  const nav = event.target.closest("[data-choice]");
  if (!nav || !event.detail.successful) return;
  for (const link of nav.querySelectorAll("a")) link.removeAttribute("aria-current");
  event.target.setAttribute("aria-current", "true");
});
