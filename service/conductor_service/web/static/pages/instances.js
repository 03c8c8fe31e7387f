/** The instances: what runs, since when, at what cost, and on which frames. */

import { get } from "../api.js";
import { arrange, batched, el, fill, setText } from "../dom.js";
import { count, frames, money } from "../format.js";
import { Live } from "../live.js";
import { stateChip, timeAgo } from "../widgets.js";

export function instancesPage(context) {
  return new InstancesPage(context);
}

class InstancesPage {
  constructor({ main, me, said, failed }) {
    document.title = "Instances · Conductor";
    this.limit = me.account.instance_limit;
    this.instances = new Map();
    this.rows = new Map();
    this.currency = me.currency;
    this.draw = batched(() => this.#draw());
    this.#build(main);
    this.live = new Live({
      load: () => this.#load(),
      handlers: { instance: (instance) => this.#take(instance) },
      said,
      failed,
    });
    this.failed = failed;
    this.clock = setInterval(this.draw, 5000);
  }

  close() {
    this.live.close();
    this.draw.cancel();
    clearInterval(this.clock);
  }

  #build(main) {
    this.summary = el("span", { class: "summary" });
    this.all = el("input", { type: "checkbox", id: "all", onchange: () => this.#load().catch(this.failed) });
    this.body = el("tbody", { id: "instances" });
    this.foot = el("p", { class: "foot" }, "Loading …");
    const columns = ["Instance", "Type", "State", "Launched", "Minutes", "Billed", "Amount", "Now"];
    fill(
      main,
      el("div", { class: "page" },
        el("header", { class: "head" }, el("h1", {}, "Instances"), this.summary, el("label", { class: "filters" }, this.all, " show ended ones too")),
        el("div", { class: "wide" }, el("table", { class: "table" }, el("thead", {}, el("tr", {}, columns.map((c) => el("th", { scope: "col" }, c)))), this.body)),
        this.foot,
      ),
    );
  }

  async #load() {
    const { instances } = await get("/instances", { all: this.all.checked });
    const heard = Date.now();
    this.instances = new Map(instances.map((instance) => [instance.id, { ...instance, heard }]));
    this.draw();
  }

  #take(instance) {
    this.instances.set(instance.id, { ...instance, heard: Date.now() });
    this.draw();
  }

  #draw() {
    const shown = [...this.instances.values()]
      .filter((i) => this.all.checked || i.state !== "ended")
      .sort((a, b) => b.launched.localeCompare(a.launched) || a.id.localeCompare(b.id));
    arrange(this.body, shown.map((instance) => this.#row(instance)));
    const up = shown.filter((i) => i.state !== "ended").length;
    setText(this.summary, `${count(up)} up · at most ${count(this.limit)}`);
    setText(this.foot, shown.length ? "" : "No instance is up. They start by themselves when there is something to render.");
  }

  #row(instance) {
    let row = this.rows.get(instance.id);
    if (!row) {
      row = instanceRow(instance);
      this.rows.set(instance.id, row);
    }
    row.set(instance, this.currency);
    return row.node;
  }
}

function instanceRow(first) {
  const chip = stateChip(first.state);
  const cell = (name) => el("td", { data: { cell: name } });
  const [minutes, billed, amount, now] = ["minutes", "billed", "amount", "now"].map(cell);
  const node = el(
    "tr",
    { data: { instance: first.id } },
    el("td", { class: "id" }, first.id),
    el("td", {}, first.type, first.preemptible && el("span", { class: "tag" }, "preemptible")),
    el("td", {}, chip.node),
    el("td", {}, timeAgo(first.launched)),
    minutes, billed, amount, now,
  );
  const set = (instance, currency) => {
    chip.set(instance.state);
    setText(minutes, minutesNow(instance).toFixed(1));
    setText(billed, count(instance.billed_minutes));
    setText(amount, money(instance.amount, currency));
    fill(now, current(instance));
  };
  return { node, set };
}

/** Minutes go on between two events while an instance is up. */
function minutesNow({ minutes, state, heard }) {
  const since = state === "ended" ? 0 : (Date.now() - heard) / 60_000;
  return Number(minutes) + since;
}

/** What the instance renders now. */
function current({ work = [], state }) {
  if (!work.length) return state === "ready" ? "idle" : "";
  return work.map(({ number, title, step, frames: numbers }) =>
    el("a", { class: "work", href: `#/jobs/${number}?frame=${numbers[0] ?? ""}&step=${encodeURIComponent(step)}` }, `#${number} ${title}, frame ${frames(numbers)}`),
  );
}
