/** Small things that several pages show. */

import { el, setText } from "./dom.js";
import { age, count, moment } from "./format.js";
import { GLYPHS, STATES, total } from "./states.js";

/** A state as a coloured word with its sign; `set(state)` changes it. */
export function stateChip(state) {
  const glyph = el("span", { class: "glyph", "aria-hidden": "true" });
  const word = el("span", { class: "word" });
  const node = el("span", { class: "chip" }, glyph, word);
  const set = (value) => {
    node.dataset.state = value;
    setText(glyph, GLYPHS[value] ?? "");
    setText(word, value);
  };
  set(state);
  return { node, set };
}

/** A bar with one piece per state, as wide as it has frames. */
export function progressBar() {
  const pieces = Object.fromEntries(STATES.map((state) => [state, el("i", { data: { state } })]));
  const node = el("div", { class: "progress", role: "img" }, Object.values(pieces));
  const set = (frames) => {
    const all = total(frames);
    for (const [state, piece] of Object.entries(pieces)) {
      const part = frames[state] ?? 0;
      piece.style.setProperty("--share", String(part));
      piece.classList.toggle("some", part > 0);
      piece.classList.toggle("all", part === all);
    }
    node.classList.toggle("empty", all === 0);
    const said = STATES.filter((s) => frames[s]).map((s) => `${count(frames[s])} ${s}`);
    const label = said.length ? `${said.join(", ")} of ${count(all)} frames` : "no frames yet";
    node.setAttribute("aria-label", label);
    node.title = label;
  };
  return { node, set };
}

/** A time that grows older by itself. */
export function timeAgo(iso) {
  return el("time", { datetime: iso, title: moment(iso) }, age(iso));
}

/** Bring all times of the page up to date; the clock is the caller's. */
export function refreshTimes(now = Date.now()) {
  for (const node of document.querySelectorAll("time[datetime]")) setText(node, age(node.dateTime, now));
}

/** Say something in the corner, for a while; errors stay until they are closed. */
export function toast(text, { next = "", error = false } = {}) {
  const close = el("button", { class: "close", type: "button", "aria-label": "Close" }, "✕");
  const node = el("div", { class: error ? "toast error" : "toast" }, el("div", {}, el("p", {}, text), next && el("p", { class: "next" }, next)), close);
  const timer = error ? 0 : setTimeout(() => node.remove(), 4000);
  close.addEventListener("click", () => {
    clearTimeout(timer);
    node.remove();
  });
  const box = document.getElementById("toasts");
  box.append(node);
  while (box.childElementCount > 4) box.firstElementChild.remove();
}

/** Show what went wrong and what to do about it. */
export function toastError(error) {
  const allowed = error.allowed?.length ? `Allowed now: ${error.allowed.join(", ")}.` : "";
  toast(error.message, { next: [error.next, allowed].filter(Boolean).join(" "), error: true });
}

/** Ask before something that cannot be undone; resolves to true or false. */
export function confirmed(question, detail, yes) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog",
      { class: "ask" },
      el("h2", {}, question),
      el("p", {}, detail),
      el(
        "form",
        { method: "dialog", class: "row" },
        el("button", { value: "no", class: "plain" }, "Leave it"),
        el("button", { value: "yes", class: "danger", autofocus: true }, yes),
      ),
    );
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
