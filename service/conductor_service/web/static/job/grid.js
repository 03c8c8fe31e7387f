/**
 * One cell per frame, step by step.
 *
 * Cells are real buttons (thousands of them are no trouble for a browser as long as only those that change are
 * touched) under one tab stop: arrow keys move, Enter opens.
 */

import { el, setText } from "../dom.js";
import { count } from "../format.js";
import { GLYPHS, STATES, frameState, total } from "../states.js";
import { keyOf } from "./pictures.js";

/** Number of frames up to which cells have a size that holds their number. */
const LARGE = 240;
const MEDIUM = 1500;

export class FrameGrid {
  constructor({ chosen, pointed }) {
    Object.assign(this, { chosen, pointed });
    this.cells = new Map();
    this.list = [];
    this.counts = new Map();
    this.steps = el("div", { class: "steps" });
    this.legend = el("ul", { class: "legend", "aria-label": "States" });
    this.node = el("section", { class: "frames", "aria-label": "Frames" }, el("header", {}, el("h2", {}, "Frames"), this.legend), this.steps);
    this.entries = this.#buildLegend();
    this.steps.addEventListener("click", (event) => this.#clicked(event));
    this.steps.addEventListener("keydown", (event) => this.#key(event));
    this.steps.addEventListener("focusin", (event) => this.#pointed(event));
    this.steps.addEventListener("pointerover", (event) => this.#pointed(event));
  }

  /** Lay the cells out; what is there already stays, so that focus and scroll survive a reconnection. */
  lay(steps, tasks) {
    const shape = tasks.map((t) => `${t.id}:${t.frames.length}`).join();
    if (shape === this.shape) {
      for (const task of tasks) this.#paint(task);
      return;
    }
    this.shape = shape;
    this.cells.clear();
    const frames = tasks.reduce((sum, task) => sum + task.frames.length, 0);
    this.steps.dataset.size = frames <= LARGE ? "large" : frames <= MEDIUM ? "medium" : "small";
    this.counts.clear();
    this.steps.replaceChildren(...steps.map((step) => this.#step(step, tasks.filter((t) => t.step === step.name), steps.length > 1)));
    this.list = [...this.steps.querySelectorAll(".cell")];
    this.list[0]?.setAttribute("tabindex", "0");
    for (const task of tasks) this.#paint(task);
  }

  /** Paint the tasks that changed, and the counts. */
  update(tasks, job) {
    for (const task of tasks) this.#paint(task);
    for (const { node, done, all } of this.counts.values()) setText(node, `${count(done)} / ${count(all)}`);
    for (const [state, { node, number }] of this.entries) {
      const frames = job.frames[state] ?? 0;
      node.hidden = !frames && !["success", "running", "failed", "ready"].includes(state);
      setText(number, count(frames));
    }
    this.node.hidden = total(job.frames) === 0;
  }

  /** Show which frame the viewer shows. */
  mark(key) {
    this.marked?.classList.remove("seen");
    this.marked = this.cells.get(key)?.node;
    this.marked?.classList.add("seen");
  }

  /** Choose a frame as if it had been clicked. */
  choose(task, frame) {
    const node = this.cells.get(keyOf(task.step, frame))?.node;
    if (!node) return;
    this.#select(node);
    this.chosen(task, frame);
  }

  unchoose() {
    const node = this.selected;
    this.#select(null);
    node?.focus();
  }

  #step(step, tasks, named) {
    const frames = tasks.flatMap((task) => task.frames.map((frame) => ({ task, frame }))).sort((a, b) => a.frame - b.frame);
    const counter = el("span", { class: "dim" });
    this.counts.set(step.name, { node: counter, done: 0, all: frames.length });
    const cells = frames.map(({ task, frame }) => this.#cell(task, frame));
    const title = named && el("h3", {}, step.name, counter);
    return el("div", { class: "step" }, title, el("div", { class: "grid", role: "group", "aria-label": `Frames of ${step.name}` }, cells));
  }

  #cell(task, frame) {
    const node = el("button", { type: "button", class: "cell", tabindex: "-1", data: { frame, key: keyOf(task.step, frame), ...(task.scout && { scout: "" }) } }, String(frame));
    this.cells.set(keyOf(task.step, frame), { node, task, frame, state: "", fraction: -1 });
    return node;
  }

  /** Touch a cell only where its state or progress is another than the one shown. */
  #paint(task) {
    for (const frame of task.frames) {
      const cell = this.cells.get(keyOf(task.step, frame));
      if (!cell) continue;
      cell.task = task;
      const { state, fraction } = frameState(task, frame);
      if (state !== cell.state) {
        this.counts.get(task.step).done += (state === "success") - (cell.state === "success");
        cell.node.dataset.state = state;
        cell.node.setAttribute("aria-label", `Frame ${frame}, ${task.scout ? "scout, " : ""}${state}`);
        cell.state = state;
      }
      if (fraction !== cell.fraction) {
        cell.node.style.setProperty("--fraction", fraction.toFixed(3));
        cell.fraction = fraction;
      }
    }
  }

  #buildLegend() {
    return new Map(
      STATES.map((state) => {
        const number = el("b", {}, "0");
        const button = el(
          "button",
          { type: "button", data: { state }, "aria-pressed": "false", title: `Show only ${state}`, onclick: () => this.#only(state) },
          el("span", { class: "swatch", "aria-hidden": "true", data: { state } }, GLYPHS[state]),
          number,
          ` ${state}`,
        );
        const node = el("li", {}, button);
        this.legend.append(node);
        return [state, { node, number, button }];
      }),
    );
  }

  /** Dim all states but one; the same again shows all. */
  #only(state) {
    const wanted = this.steps.dataset.only === state ? "" : state;
    if (wanted) this.steps.dataset.only = wanted;
    else delete this.steps.dataset.only;
    for (const [name, { button }] of this.entries) button.setAttribute("aria-pressed", String(name === wanted));
  }

  #clicked(event) {
    const cell = this.#cellOf(event.target);
    if (!cell) return;
    this.#select(cell.node);
    this.chosen(cell.task, cell.frame);
  }

  #pointed(event) {
    const cell = this.#cellOf(event.target);
    if (cell) this.pointed(cell.task, cell.frame);
  }

  #cellOf(target) {
    const node = target.closest(".cell");
    return node && this.cells.get(node.dataset.key);
  }

  #select(node) {
    this.selected?.removeAttribute("aria-current");
    this.selected = node;
    if (!node) return;
    node.setAttribute("aria-current", "true");
    this.#tabStop(node);
    node.scrollIntoView({ block: "nearest" });
  }

  #tabStop(node) {
    for (const other of this.steps.querySelectorAll('.cell[tabindex="0"]')) other.tabIndex = -1;
    node.tabIndex = 0;
  }

  #key(event) {
    const node = event.target.closest(".cell");
    if (!node) return;
    const at = this.list.indexOf(node);
    const row = columnsAround(this.list, at);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - row, ArrowDown: at + row, Home: 0, End: this.list.length - 1 }[event.key];
    const next = to === undefined ? null : this.list[to];
    if (!next) return;
    event.preventDefault();
    this.#tabStop(next);
    next.focus();
    if (this.selected) this.#clicked({ target: next });
  }
}

/** Return how many cells stand in one row: the distance to the first cell after `at` that starts a new line. */
function columnsAround(list, at) {
  const parent = list[at].parentElement;
  const cells = parent.children;
  const top = cells[0].offsetTop;
  let columns = 1;
  while (columns < cells.length && cells[columns].offsetTop === top) columns += 1;
  return columns;
}
