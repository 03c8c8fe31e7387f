/** One line of the job list. */

import { previewAddress } from "../api.js";
import { actionButtons } from "../actions.js";
import { el, fill, setText } from "../dom.js";
import { count, money } from "../format.js";
import { GLYPHS, total } from "../states.js";
import { progressBar, stateChip, timeAgo } from "../widgets.js";

/** Make a row: `{node, set(job, currency)}`; `changed` is told of the job after an action. */
export function jobRow(changed) {
  const chip = stateChip("pending");
  const bar = progressBar();
  const actions = actionButtons(changed, { compact: true });
  const parts = {
    thumb: el("span", { class: "thumb" }),
    link: el("a", { class: "title", tabindex: "-1" }),
    sub: el("span", { class: "sub" }),
    done: el("span", { class: "done" }),
    failed: el("span", { class: "failed" }),
    scouts: el("span", { class: "scouts" }),
    licence: el("span", { class: "licence" }),
    cost: el("span", { class: "cost" }),
    age: el("span", { class: "age" }),
  };
  const node = el(
    "li",
    { class: "job-row", tabindex: "-1" },
    parts.thumb,
    el("div", { class: "name" }, parts.link, parts.sub),
    chip.node,
    el("div", { class: "how-far" }, bar.node, el("div", { class: "numbers" }, parts.done, parts.scouts, parts.licence, parts.failed)),
    parts.cost,
    parts.age,
    actions.node,
  );
  node.addEventListener("click", (event) => {
    if (!event.target.closest("a, button") && !getSelection().toString()) parts.link.click();
  });
  return { node, set: (job, currency) => show(job, currency, { node, chip, bar, actions, ...parts }) };
}

function show(job, currency, parts) {
  const { node, chip, bar, actions, thumb, link, sub, done, failed, scouts, licence, cost, age } = parts;
  node.dataset.job = job.id;
  node.dataset.state = job.state;
  chip.set(job.state);
  bar.set(job.frames);
  actions.set(job);
  setText(link, job.title);
  link.setAttribute("href", `#/jobs/${job.number}`);
  setText(sub, `#${job.number} · ${job.project} · ${job.submitted_by}`);
  setText(done, `${count(job.frames.success ?? 0)} / ${count(total(job.frames))}`);
  setText(failed, job.frames.failed ? `${GLYPHS.failed} ${count(job.frames.failed)} failed` : "");
  setText(scouts, job.scouts.held ? `scouts ${count(job.scouts.done)} / ${count(job.scouts.total)}, ${count(job.scouts.held)} held` : "");
  scouts.classList.toggle("due", job.scouts.held > 0 && job.scouts.done === job.scouts.total);
  setText(licence, job.licence ? `no licence: ${count(job.licence.waiting)} waiting` : "");
  setText(cost, money(job.cost, currency));
  if (age.firstChild?.dateTime !== job.created) fill(age, timeAgo(job.created));
  showPicture(thumb, job.last_output);
}

/** The last rendered picture, small; fetched when the row comes into sight. */
function showPicture(thumb, output) {
  if (!output || thumb.dataset.output === output) return;
  thumb.dataset.output = output;
  const image = el("img", { src: previewAddress(output), alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.remove());
  fill(thumb, image);
}
