/** The head of the job page: title, facts, actions, and the numbers that people look for first. */

import { actionButtons } from "../actions.js";
import { el, fill, setText } from "../dom.js";
import { clockTime, count, duration, money } from "../format.js";
import { FINAL, total } from "../states.js";
import { progressBar, stateChip, timeAgo } from "../widgets.js";

export class JobHead {
  constructor(changed) {
    this.chip = stateChip("pending");
    this.bar = progressBar();
    this.actions = actionButtons(changed);
    this.title = el("h1", { id: "title" });
    this.facts = el("p", { class: "facts" });
    this.scouts = el("p", { class: "scouts", role: "status", hidden: true });
    this.licence = el("p", { class: "licence", role: "status", hidden: true });
    this.metadata = el("ul", { class: "metadata", "aria-label": "Metadata" });
    this.without = el("details", { class: "without", hidden: true });
    this.node = el(
      "header",
      { class: "job-head" },
      el("div", { class: "names" }, el("div", { class: "row" }, this.title, this.chip.node), this.facts, this.metadata, this.without, this.scouts, this.licence),
      this.actions.node,
    );
    this.values = Object.fromEntries(["done", "percent", "cost", "minutes", "time", "left", "instances"].map((n) => [n, el("span", { class: n })]));
    this.numbers = this.#buildNumbers();
  }

  #buildNumbers() {
    const { done, percent, cost, minutes, time, left, instances } = this.values;
    const number = (name, value, under) => el("div", { class: "number" }, el("dt", {}, name), el("dd", {}, value, under && el("small", {}, under)));
    return el(
      "section",
      { class: "figures", "aria-label": "Numbers" },
      el("div", { class: "lead" }, percent, done),
      this.bar.node,
      el("dl", {}, number("Cost so far", cost, minutes), number("Time", time, left), number("Instances", instances)),
    );
  }

  set(job, { currency, cost, tasks, pictures }) {
    setText(this.title, job.title);
    this.chip.set(job.state);
    this.bar.set(job.frames);
    this.actions.set(job);
    this.#setFacts(job);
    this.#setMetadata(job.metadata);
    this.#setWithout(job.submission ?? {});
    this.#setScouts(job);
    this.#setLicence(job);
    this.#setNumbers(job, currency, pictures);
    this.#setInstances(job, cost, tasks);
  }

  #setFacts(job) {
    const { software, scene, steps } = job.submission ?? {};
    const facts = [`#${job.number}`, job.project, `by ${job.submitted_by}`, software && `${software.name} ${software.version}`, job.instance_type];
    if (job.preemptible) facts.push("preemptible");
    facts.push(`priority ${job.priority}`);
    const said = facts.filter(Boolean).join(" · ");
    if (this.said === said) return;
    this.said = said;
    fill(this.facts, said, " · ", timeAgo(job.created));
    this.facts.title = [scene, ...(steps ?? []).flatMap((step) => (step.outputs ?? []).map((o) => `→ ${o.path}`))].filter(Boolean).join("\n");
  }

  /** Each pair leads to the jobs that have the same. */
  #setMetadata(metadata) {
    const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
    if (this.pairs === pairs.join("\n")) return;
    this.pairs = pairs.join("\n");
    fill(
      this.metadata,
      Object.entries(metadata).map(([key, value]) => {
        const query = new URLSearchParams({ metadata: `${key}=${value}` });
        return el("li", {}, el("a", { href: `#/jobs?${query}`, title: "Show the jobs with the same" }, el("span", { class: "dim" }, `${key} `), value));
      }),
    );
  }

  /** What the artist left at home and why, and what was not there: for whoever wonders about the pictures. */
  #setWithout({ excluded = [], allowed_missing: missing = [] }) {
    this.without.hidden = !excluded.length && !missing.length;
    const said = JSON.stringify([excluded, missing]);
    if (this.without.hidden || this.left === said) return;
    this.left = said;
    const counts = [excluded.length && `${count(excluded.length)} left out`, missing.length && `${count(missing.length)} missing`];
    fill(
      this.without,
      el("summary", {}, `Rendered without: ${counts.filter(Boolean).join(", ")}`),
      el(
        "ul",
        {},
        excluded.map(({ path, reason }) => el("li", {}, path, el("span", { class: "dim" }, ` ${reason}`))),
        missing.map((path) => el("li", {}, path, el("span", { class: "dim" }, " not there when it was submitted"))),
      ),
    );
  }

  #setScouts({ scouts }) {
    this.scouts.hidden = !scouts.held && scouts.done === scouts.total;
    this.scouts.classList.toggle("due", scouts.held > 0 && scouts.done === scouts.total);
    setText(this.scouts, scoutsText(scouts));
  }

  #setLicence({ licence }) {
    this.licence.hidden = !licence;
    setText(this.licence, licence ? licenceText(licence) : "");
    this.licence.title = licence?.message ?? "";
  }

  #setNumbers(job, currency, pictures) {
    const all = total(job.frames);
    const done = job.frames.success ?? 0;
    const { values } = this;
    setText(values.percent, `${all ? Math.floor((100 * done) / all) : 0} %`);
    setText(values.done, job.state === "uploading" ? "uploading files …" : `${count(done)} of ${count(all)} frames`);
    setText(values.cost, money(job.cost, currency));
    setText(values.minutes, `${count(job.billed_minutes)} minutes billed`);
    const end = job.finished ? Date.parse(job.finished) : Date.now();
    setText(values.time, duration(end - Date.parse(job.created)));
    setText(values.left, timeLeft(job, pictures.pace()));
  }

  #setInstances(job, cost, tasks) {
    const running = [...tasks.values()].filter((task) => task.state === "running").length;
    const used = cost?.instances.length ?? 0;
    const types = [...new Set((cost?.instances ?? []).map((instance) => instance.type))].join(", ");
    setText(this.values.instances, FINAL.has(job.state) ? `${count(used)} used` : `${count(running)} rendering`);
    this.values.instances.title = used ? `${count(used)} used so far: ${types}` : "";
  }
}

function scoutsText({ total: all, done, held }) {
  const far = `Scout frames: ${count(done)} of ${count(all)} ${all === 1 ? "task" : "tasks"} ended.`;
  if (!held) return far;
  const rest = `${count(held)} more ${held === 1 ? "task waits" : "tasks wait"}`;
  return done === all ? `${far} Look at them, then release the rest: ${rest}.` : `${far} ${rest} for them and your release.`;
}

function licenceText({ waiting, tries, next_try: next, trying }) {
  const who = `${count(waiting)} ${waiting === 1 ? "task waits" : "tasks wait"}`;
  const asked = `asked ${tries === 1 ? "once" : `${count(tries)} times`}`;
  const when = trying ? "an instance is asking now" : `next try at ${clockTime(next)}`;
  return `No licence: ${who} for one, without an instance. ${asked[0].toUpperCase()}${asked.slice(1)}, ${when}. Retry asks at once.`;
}

/** A guess by the pace of the last pictures; nothing where it would be made up. */
function timeLeft(job, pace) {
  if (job.finished) return "";
  const left = ["pending", "ready", "running"].reduce((sum, state) => sum + (job.frames[state] ?? 0), 0);
  if (job.state !== "running" || !pace || !left) return "";
  return `about ${duration(left / pace)} left`;
}
