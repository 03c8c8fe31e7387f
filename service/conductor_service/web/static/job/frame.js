/** The panel of one frame: its picture, its attempts with cause and message, and the log of one of them. */

import { get, previewAddress } from "../api.js";
import { ACTIONS, act } from "../actions.js";
import { el, fill, setText } from "../dom.js";
import { bytes, duration, frames } from "../format.js";
import { CAUSES, actionsForTask, frameState } from "../states.js";
import { stateChip, timeAgo, toastError } from "../widgets.js";
import { Log } from "./log.js";

export class FramePanel {
  constructor({ job, pictures, changed, closed }) {
    Object.assign(this, { job, pictures, changed, closed });
    this.log = new Log({ failed: toastError });
    this.#build();
  }

  #build() {
    this.title = el("h2", {});
    this.chip = stateChip("pending");
    this.message = el("p", { class: "message" });
    this.holds = el("ul", { class: "holds" });
    this.picture = el("img", { class: "picture", alt: "", id: "frame-picture", hidden: true });
    this.attempts = el("ol", { class: "attempts", id: "attempts" });
    this.buttons = Object.fromEntries(
      Object.entries(ACTIONS).map(([name, { label }]) => [name, el("button", { type: "button", class: `action ${name}`, onclick: () => this.#act(name) }, label)]),
    );
    const close = el("button", { type: "button", class: "close", "aria-label": "Close", title: "Close (Esc)", onclick: () => this.#dismiss() }, "✕");
    this.node = el(
      "aside",
      { class: "panel", id: "frame-panel", hidden: true, "aria-label": "Frame" },
      el("header", { class: "row" }, this.title, this.chip.node, close),
      el("div", { class: "actions" }, Object.values(this.buttons)),
      this.picture,
      this.message,
      this.holds,
      el("h3", {}, "Attempts"),
      this.attempts,
      this.log.node,
    );
    this.onKey = (event) => event.key === "Escape" && !event.target.closest("dialog") && this.#dismiss();
    document.addEventListener("keydown", this.onKey);
  }

  /** Open the panel on a frame. */
  show(task, frame) {
    this.task = task;
    this.frame = frame;
    this.chosenAttempt = null;
    this.seen = "";
    this.log.close();
    this.node.hidden = false;
    document.body.classList.add("with-panel");
    this.#draw();
    this.#load();
  }

  /** Follow the task that is shown. */
  refresh(tasks) {
    if (this.node.hidden || !this.task) return;
    this.task = tasks.get(this.task.id) ?? this.task;
    this.#draw();
    const seen = `${this.task.state} ${this.task.attempts_made}`;
    if (seen !== this.seen) this.#load();
  }

  close() {
    this.log.close();
    this.abort?.abort();
    document.removeEventListener("keydown", this.onKey);
    document.body.classList.remove("with-panel");
  }

  #dismiss() {
    if (this.node.hidden) return;
    this.node.hidden = true;
    this.task = null;
    this.log.close();
    document.body.classList.remove("with-panel");
    this.closed();
  }

  #draw() {
    const { task, frame } = this;
    const { state } = frameState(task, frame);
    setText(this.title, task.frames.length > 1 ? `Frame ${frame}, of ${frames(task.frames)}` : `Frame ${frame}`);
    this.chip.set(state);
    const cause = task.cause && task.state !== "success" ? `${CAUSES[task.cause] ?? task.cause}: ` : "";
    setText(this.message, task.message ? cause + task.message : cause.replace(/: $/, ""));
    fill(this.holds, task.holds.map((hold) => el("li", {}, `Held by ${hold.actor || hold.name}${hold.reason ? `: ${hold.reason}` : ""}`)));
    for (const [name, possible] of Object.entries(actionsForTask(task))) this.buttons[name].hidden = !possible;
    this.#drawPicture(this.pictures.of(task.step, frame));
  }

  #drawPicture(output) {
    if (!output) {
      this.picture.hidden = true;
      this.picture.removeAttribute("data-output");
    } else if (this.picture.dataset.output !== output.id) {
      this.picture.dataset.output = output.id;
      this.picture.src = previewAddress(output.id);
      this.picture.alt = `Frame ${output.frame} of ${output.step}`;
      this.picture.hidden = false;
    }
  }

  async #load() {
    this.seen = `${this.task.state} ${this.task.attempts_made}`;
    this.abort?.abort();
    this.abort = new AbortController();
    try {
      const { attempts } = await get(`/tasks/${encodeURIComponent(this.task.id)}`, {}, this.abort.signal);
      this.#drawAttempts([...attempts].sort((a, b) => b.number - a.number));
    } catch (error) {
      if (error.name !== "AbortError") toastError(error);
    }
  }

  #drawAttempts(attempts) {
    this.known = attempts;
    const shown = attempts.find((a) => a.id === this.chosenAttempt) ?? attempts[0];
    fill(this.attempts, attempts.map((attempt) => this.#attempt(attempt, attempt === shown)));
    if (!attempts.length) fill(this.attempts, el("li", { class: "dim" }, "Not rendered yet."));
    this.log.node.hidden = !shown;
    if (shown) this.log.open(shown.id, shown.state === "running");
  }

  #attempt(attempt, shown) {
    const { state, cause, message, exit_code: code, peak_memory: memory, started, ended } = attempt;
    const why = [cause && (CAUSES[cause] ?? cause), message].filter(Boolean).join(": ");
    const took = ended ? duration(Date.parse(ended) - Date.parse(started)) : "";
    const facts = [`on ${attempt.instance}`, took, memory ? bytes(memory) : "", code ? `exit code ${code}` : ""].filter(Boolean).join(" · ");
    const choose = () => {
      this.chosenAttempt = attempt.id;
      this.#drawAttempts(this.known);
    };
    return el(
      "li",
      { "aria-current": shown ? "true" : null, data: { attempt: attempt.id } },
      el("button", { type: "button", class: "attempt", onclick: choose, title: "Show its log" }, el("b", {}, `Attempt ${attempt.number}`), stateChip(state).node, timeAgo(started)),
      why && el("p", { class: "message" }, why),
      el("p", { class: "dim" }, facts),
    );
  }

  async #act(name) {
    const after = await act(name, this.job(), { tasks: [this.task.id], what: `frame ${frames(this.task.frames)}` });
    if (after) this.changed(after);
  }
}
