/** The job list: newest first, live, by pages; filters, and actions by mouse and keys. */

import { get } from "../api.js";
import { ACTIONS, act, actionForKey } from "../actions.js";
import { arrange, batched, el, fill, setText } from "../dom.js";
import { count } from "../format.js";
import { jobRow } from "../job/row.js";
import { Live } from "../live.js";
import { JOB_STATES } from "../states.js";

const PAGE = 100;

export function jobsPage(context) {
  return new JobsPage(context);
}

class JobsPage {
  constructor({ main, me, query, said, failed }) {
    document.title = "Jobs · Conductor";
    Object.assign(this, { failed, said, currency: me.currency });
    this.jobs = new Map();
    this.rows = new Map();
    this.pairs = query.getAll("metadata");
    this.draw = batched(() => this.#draw());
    this.#build(main, query);
    this.abort = new AbortController();
    this.#connect();
  }

  close() {
    this.live.close();
    this.abort.abort();
    this.draw.cancel();
    this.seeing.disconnect();
    document.removeEventListener("keydown", this.onKey);
  }

  #build(main, query) {
    this.text = el("input", {
      type: "search", id: "filter-text", placeholder: "Filter; or key=value and Enter", value: query.get("text") ?? "",
      title: "By title, project, submitter, number or metadata; key=value and Enter asks for all jobs with just that",
      "aria-label": "Filter by text, or by metadata as key=value and Enter", oninput: () => this.#filtered(),
      onkeydown: (event) => event.key === "Enter" && this.#takePair(),
    });
    this.chosen = el("ul", { class: "metadata", id: "filter-metadata", "aria-label": "Filters by metadata" });
    this.#showPairs();
    this.state = el(
      "select",
      { id: "filter-state", "aria-label": "Filter by state", onchange: () => this.#filtered({ reload: true }) },
      el("option", { value: "" }, "every state"),
      JOB_STATES.map((state) => el("option", { value: state, selected: state === query.get("state") }, state)),
    );
    this.summary = el("span", { class: "summary" });
    this.list = el("ol", { class: "jobs", id: "jobs", "aria-label": "Jobs" });
    this.foot = el("p", { class: "foot", id: "foot" }, "Loading …");
    fill(
      main,
      el("div", { class: "page" },
        el("header", { class: "head" }, el("h1", {}, "Jobs"), this.summary, el("div", { class: "filters" }, this.chosen, this.text, this.state)),
        this.list,
        this.foot,
        el("p", { class: "keys" }, keys(["↑ ↓", "move"], ["Enter", "open"], ...Object.values(ACTIONS).map((a) => [a.key, a.label.toLowerCase()]), ["/", "filter"])),
      ),
    );
    this.list.addEventListener("keydown", (event) => this.#keyInList(event));
    this.onKey = (event) => this.#key(event);
    document.addEventListener("keydown", this.onKey);
    this.seeing = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && this.#more(), { rootMargin: "600px" });
    this.seeing.observe(this.foot);
  }

  #connect() {
    this.live = new Live({
      load: () => this.#load(),
      handlers: { job: (job) => this.#take(job), output: (output) => this.#picture(output) },
      said: this.said,
      failed: this.failed,
    });
  }

  /** Load as much as was shown before, from the newest on. */
  async #load() {
    const wanted = Math.max(PAGE, this.jobs.size);
    const fresh = new Map();
    let page;
    do {
      page = await this.#fetch([...fresh.values()].at(-1)?.number);
      for (const job of page) fresh.set(job.id, job);
    } while (page.length === PAGE && fresh.size < wanted);
    this.jobs = fresh;
    this.complete = page.length < PAGE;
    this.draw();
  }

  async #more() {
    if (this.complete !== false || this.busy) return;
    this.busy = true;
    try {
      const page = await this.#fetch(Math.min(...[...this.jobs.values()].map((job) => job.number)));
      for (const job of page) this.jobs.set(job.id, job);
      this.complete = page.length < PAGE;
      this.draw();
      this.seeing.unobserve(this.foot); // observed anew, it tells again whether the end is still in sight
      this.seeing.observe(this.foot);
    } catch (error) {
      if (error.name !== "AbortError") this.failed(error);
    } finally {
      this.busy = false;
    }
  }

  async #fetch(before) {
    return (await get("/jobs", { limit: PAGE, before, state: this.state.value, metadata: this.pairs }, this.abort.signal)).jobs;
  }

  #picture({ id, job, preview }) {
    const known = this.jobs.get(job);
    if (known && preview) this.#take({ ...known, last_output: id });
  }

  #take(job) {
    const numbers = [...this.jobs.values()].at(-1)?.number ?? 0;
    if (!this.jobs.has(job.id) && this.complete === false && job.number < numbers) return; // comes with its own page
    this.jobs.set(job.id, { ...this.jobs.get(job.id), ...job });
    this.draw();
  }

  #filtered({ reload = false } = {}) {
    const set = [["state", this.state.value], ["text", this.text.value], ...this.pairs.map((pair) => ["metadata", pair])];
    const query = new URLSearchParams(set.filter(([, v]) => v));
    history.replaceState(null, "", `#/jobs${query.size ? `?${query}` : ""}`);
    if (reload) {
      this.jobs.clear();
      this.#load().catch((error) => error.name === "AbortError" || this.failed(error));
    }
    this.draw();
  }

  /** What is typed as key=value becomes a filter that the service follows. */
  #takePair() {
    const pair = this.text.value.trim();
    if (!pair.includes("=")) return;
    this.text.value = "";
    if (!this.pairs.includes(pair)) this.pairs.push(pair);
    this.#pairsChanged();
  }

  #pairsChanged() {
    this.#showPairs();
    this.#filtered({ reload: true });
  }

  #showPairs() {
    const drop = (pair) => {
      this.pairs = this.pairs.filter((other) => other !== pair);
      this.#pairsChanged();
      this.text.focus();
    };
    fill(
      this.chosen,
      this.pairs.map((pair) => el("li", {}, el("button", { type: "button", "aria-label": `Do not filter by ${pair}`, onclick: () => drop(pair) }, pair, el("span", { "aria-hidden": "true" }, " ✕")))),
    );
  }

  #draw() {
    const words = this.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = this.state.value;
    const shown = [...this.jobs.values()]
      .filter((job) => (!state || job.state === state) && hasAll(job, this.pairs) && matches(job, words))
      .sort((a, b) => b.number - a.number);
    arrange(this.list, shown.map((job) => this.#row(job).node));
    this.#keepOneTabStop();
    const running = shown.filter((job) => job.state === "running").length;
    setText(this.summary, shown.length ? `${count(shown.length)}${this.complete ? "" : "+"}${running ? ` · ${count(running)} running` : ""}` : "");
    setText(this.foot, this.#footText(shown.length));
    if (words.length && shown.length < 20) this.#more(); // what is looked for may be older than what is loaded
  }

  #footText(shown) {
    if (this.complete === undefined) return "Loading …";
    if (!this.complete) return "Loading older jobs …";
    if (shown) return "";
    return this.jobs.size || this.state.value || this.pairs.length ? "No job fits the filter." : "No jobs yet. Submit one from your application, or with conductor submit.";
  }

  #row(job) {
    let row = this.rows.get(job.id);
    if (!row) {
      row = jobRow((after) => this.#take(after));
      this.rows.set(job.id, row);
    }
    if (row.shown !== job) row.set(job, this.currency); // a job that changed is another object
    row.shown = job;
    return row;
  }

  #keepOneTabStop() {
    if (!this.list.querySelector('.job-row[tabindex="0"]')) this.list.querySelector(".job-row")?.setAttribute("tabindex", "0");
  }

  #focus(row) {
    if (!row) return;
    for (const other of this.list.querySelectorAll('.job-row[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  #key(event) {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      this.text.focus();
    } else if (["ArrowDown", "j"].includes(event.key) && !event.target.closest(".job-row")) {
      event.preventDefault();
      this.#focus(this.list.querySelector('.job-row[tabindex="0"]'));
    }
  }

  #keyInList(event) {
    const row = event.target.closest(".job-row");
    if (event.target !== row) return;
    const job = this.jobs.get(row.dataset.job);
    const name = actionForKey(event);
    const moves = { ArrowDown: row.nextElementSibling, j: row.nextElementSibling, ArrowUp: row.previousElementSibling, k: row.previousElementSibling };
    if (event.key in moves) this.#focus(moves[event.key]);
    else if (event.key === "Enter") location.hash = `#/jobs/${job.number}`;
    else if (name) act(name, job).then((after) => after && this.#take(after));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function hasAll({ metadata }, pairs) {
  const own = new Set(Object.entries(metadata).map(([key, value]) => `${key}=${value}`));
  return pairs.every((pair) => own.has(pair));
}

function matches(job, words) {
  if (!words.length) return true;
  const text = `#${job.number} ${job.title} ${job.project} ${job.submitted_by} ${job.instance_type} ${Object.values(job.metadata).join(" ")}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function keys(...pairs) {
  return pairs.map(([key, what]) => el("span", {}, el("kbd", {}, key), ` ${what}`));
}
