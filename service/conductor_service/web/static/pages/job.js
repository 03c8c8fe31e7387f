/** The job page: picture, numbers, one cell per frame, and what happened to each. */

import { get } from "../api.js";
import { actionForKey, act } from "../actions.js";
import { batched, el, fill } from "../dom.js";
import { FrameGrid } from "../job/grid.js";
import { FramePanel } from "../job/frame.js";
import { Failures } from "../job/failures.js";
import { JobHead } from "../job/head.js";
import { Pictures } from "../job/pictures.js";
import { Viewer } from "../job/viewer.js";
import { Live } from "../live.js";

const OUTPUTS_AT_ONCE = 1000;
/** The bill is asked for at most this often while a job goes on. */
const COST_EVERY = 10_000;

export function jobPage(context) {
  return new JobPage(context);
}

class JobPage {
  constructor({ main, me, job, query, said, failed }) {
    Object.assign(this, { main, name: job, query, currency: me.currency, failed: (error) => this.#failed(error, failed) });
    this.tasks = new Map();
    this.changed = new Set();
    this.abort = new AbortController();
    this.draw = batched(() => this.#draw());
    this.pictures = new Pictures();
    this.#build(main);
    this.#start({ said, failed: this.failed });
    this.clock = setInterval(this.draw, 5000);
    this.onKey = (event) => this.#key(event);
    document.addEventListener("keydown", this.onKey);
  }

  close() {
    this.live?.close();
    this.abort.abort();
    this.draw.cancel();
    clearInterval(this.clock);
    clearTimeout(this.costTimer);
    document.removeEventListener("keydown", this.onKey);
    this.viewer.close();
    this.panel.close();
  }

  /** Find the job by its number, then follow it by its id. */
  async #start({ said, failed }) {
    try {
      this.id = (await get(`/jobs/${encodeURIComponent(this.name)}`, {}, this.abort.signal)).id;
    } catch (error) {
      failed(error);
      return;
    }
    this.live = new Live({
      query: { job: this.id },
      load: () => this.#load(),
      handlers: {
        job: (data) => this.#takeJob(data),
        task: (data) => this.#takeTask(data),
        output: (data) => this.#takeOutput(data),
      },
      said,
      failed,
    });
  }

  #build(main) {
    this.head = new JobHead((job) => this.#takeJob(job));
    this.viewer = new Viewer(this.pictures, { chosen: (key) => this.grid.mark(key) });
    this.failures = new Failures({
      job: () => this.job,
      changed: (job) => this.#takeJob(job),
      show: (task, frame) => this.grid.choose(task, frame),
    });
    this.panel = new FramePanel({
      job: () => this.job,
      pictures: this.pictures,
      changed: (job) => this.#takeJob(job),
      closed: () => this.grid.unchoose(),
    });
    this.grid = new FrameGrid({
      chosen: (task, frame) => this.panel.show(task, frame),
      pointed: (task, frame) => this.viewer.peek(task.step, frame),
    });
    this.body = el("div", { class: "page job", hidden: true },
      this.head.node,
      el("div", { class: "overview" }, el("div", { class: "look" }, this.viewer.node, this.grid.node), el("aside", { class: "side" }, this.head.numbers, this.failures.node)),
    );
    fill(main, this.body, this.panel.node);
  }

  async #load() {
    const { signal } = this.abort;
    const [job, { tasks }] = await Promise.all([
      get(`/jobs/${this.id}`, {}, signal),
      get(`/jobs/${this.id}/tasks`, {}, signal),
    ]);
    this.tasks = new Map(tasks.map((task) => [task.id, task]));
    this.job = job;
    document.title = `#${job.number} ${job.title} · Conductor`;
    this.grid.lay(job.steps, tasks);
    this.pictures.order(job.steps, tasks);
    this.body.hidden = false;
    this.draw();
    await Promise.all([this.#loadOutputs(), this.#loadCost()]);
    this.#openAsked();
  }

  async #loadOutputs() {
    let outputs;
    do {
      outputs = (await get(`/jobs/${this.id}/outputs`, { after: this.seq, limit: OUTPUTS_AT_ONCE }, this.abort.signal)).outputs;
      for (const output of outputs) this.pictures.take(output);
      this.seq = outputs.at(-1)?.seq ?? this.seq;
    } while (outputs.length === OUTPUTS_AT_ONCE);
    this.draw();
  }

  async #loadCost() {
    this.costAt = Date.now();
    this.cost = await get("/cost", { job: this.job.id }, this.abort.signal);
    this.draw();
  }

  #costSoon() {
    if (this.costTimer) return;
    const wait = Math.max(500, COST_EVERY - (Date.now() - (this.costAt ?? 0)));
    this.costTimer = setTimeout(() => {
      this.costTimer = 0;
      this.#loadCost().catch((error) => error.name === "AbortError" || this.failed(error));
    }, wait);
  }

  /** `?frame=7&step=beauty` in the address opens that frame. */
  #openAsked() {
    const frame = this.query.get("frame");
    if (!frame || this.opened) return;
    this.opened = true;
    const step = this.query.get("step");
    const task = [...this.tasks.values()].find((t) => t.frames.includes(Number(frame)) && (!step || t.step === step));
    if (task) this.grid.choose(task, Number(frame));
  }

  #takeJob(job) {
    this.job = { ...this.job, ...job };
    this.#costSoon();
    this.draw();
  }

  #takeTask(task) {
    if ((this.tasks.get(task.id)?.version ?? -1) > task.version) return;
    this.tasks.set(task.id, task);
    this.changed.add(task.id);
    this.draw();
  }

  #takeOutput(output) {
    this.pictures.take(output);
    this.draw();
  }

  #draw() {
    if (!this.job) return;
    const changed = [...this.changed].map((id) => this.tasks.get(id));
    this.changed.clear();
    this.grid.update(changed, this.job);
    this.head.set(this.job, { currency: this.currency, cost: this.cost, tasks: this.tasks, pictures: this.pictures });
    this.failures.set(this.tasks);
    this.viewer.refresh(this.job);
    this.panel.refresh(this.tasks);
  }

  #failed(error, failed) {
    if (error.name === "AbortError") return;
    if (error.status === 404 && !this.job) {
      fill(this.main, el("div", { class: "page" }, el("h1", {}, "No such job"), el("p", {}, "It may belong to another account. ", el("a", { href: "#/jobs" }, "All jobs"))));
    } else {
      failed(error);
    }
  }

  #key(event) {
    if (event.target.closest("input, select, textarea, dialog, .panel") || !this.job) return;
    if (event.key === " " && !event.target.closest("button, a")) this.viewer.togglePlay();
    else if (event.target === document.body || event.target === this.main) {
      const name = actionForKey(event);
      if (!name) return;
      act(name, this.job).then((after) => after && this.#takeJob(after));
    } else return;
    event.preventDefault();
  }
}
