/** Failures grouped by cause: one reason told once, with the frames it hit. */

import { act } from "../actions.js";
import { el, fill } from "../dom.js";
import { count, frames } from "../format.js";
import { CAUSES, GLYPHS } from "../states.js";

const FRAMES_SHOWN = 24;

export class Failures {
  constructor({ job, changed, show }) {
    Object.assign(this, { job, changed, show });
    this.node = el("section", { class: "failures", id: "failures", "aria-label": "Failures", hidden: true });
  }

  set(tasks) {
    const failed = [...tasks.values()].filter((task) => task.state === "failed");
    const shape = failed.map((task) => `${task.id}:${task.version}`).join();
    if (shape === this.shape) return;
    this.shape = shape;
    this.node.hidden = !failed.length;
    fill(this.node, el("h2", {}, "Failures"), groups(failed).map((group) => this.#group(group)));
  }

  #group({ cause, tasks }) {
    const all = tasks.flatMap((task) => task.frames.filter((f) => !task.frames_done.includes(f)).map((frame) => ({ task, frame })));
    const messages = [...new Set(tasks.map((task) => task.message).filter(Boolean))];
    const retry = async () => {
      const after = await act("retry", this.job(), { tasks: tasks.map((task) => task.id), what: `${count(all.length)} frames (${CAUSES[cause] ?? cause})` });
      if (after) this.changed(after);
    };
    return el(
      "details",
      { open: true, data: { cause } },
      el("summary", {}, el("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS.failed), ` ${CAUSES[cause] ?? cause}`, el("b", {}, count(all.length))),
      messages.slice(0, 3).map((message) => el("p", { class: "message" }, message)),
      messages.length > 3 && el("p", { class: "dim" }, `and ${count(messages.length - 3)} other messages`),
      el(
        "div",
        { class: "which" },
        all.slice(0, FRAMES_SHOWN).map(({ task, frame }) => el("button", { type: "button", class: "frame-link", onclick: () => this.show(task, frame) }, String(frame))),
        all.length > FRAMES_SHOWN && el("span", { class: "dim", title: frames(all.map((f) => f.frame)) }, `and ${count(all.length - FRAMES_SHOWN)} more`),
        el("button", { type: "button", class: "plain", onclick: retry }, "Retry these"),
      ),
    );
  }
}

/** Group tasks by cause, the most frequent first. */
function groups(tasks) {
  const byCause = new Map();
  for (const task of tasks) {
    const cause = task.cause || "internal";
    if (!byCause.has(cause)) byCause.set(cause, { cause, tasks: [] });
    byCause.get(cause).tasks.push(task);
  }
  return [...byCause.values()].sort((a, b) => b.tasks.length - a.tasks.length);
}
