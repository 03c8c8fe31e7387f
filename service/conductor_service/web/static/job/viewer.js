/** The big picture: the last one rendered, or the one that is pointed at, or all of them as a flipbook. */

import { previewAddress } from "../api.js";
import { el, setText } from "../dom.js";
import { count } from "../format.js";
import { timeAgo } from "../widgets.js";
import { keyOf } from "./pictures.js";

const FRAMES_PER_SECOND = 12;
const KEEP = 300;

export class Viewer {
  constructor(pictures, { chosen }) {
    Object.assign(this, { pictures, chosen });
    this.loaded = new Map();
    this.mode = "latest";
    this.shown = null;
    this.#build();
  }

  #build() {
    this.image = el("img", { alt: "", class: "picture", id: "picture", hidden: true });
    this.nothing = el("p", { class: "nothing" }, "The first picture appears here as soon as it is rendered.");
    this.caption = el("span", { class: "caption" });
    this.when = el("span", { class: "when" });
    this.slider = el("input", { type: "range", min: "0", max: "0", value: "0", "aria-label": "Rendered frame", oninput: () => this.#seek(Number(this.slider.value)) });
    this.play = el("button", { type: "button", class: "plain play", title: "Play (space)", onclick: () => this.togglePlay() }, "▸ Play");
    this.follow = el("button", { type: "button", class: "plain follow", title: "Show each new picture as it comes", onclick: () => this.#latest() }, "Latest");
    this.controls = el("div", { class: "controls", hidden: true }, this.play, this.slider, this.follow);
    this.node = el(
      "figure",
      { class: "viewer" },
      el("div", { class: "stage" }, this.image, this.nothing),
      el("figcaption", {}, this.caption, this.when),
      this.controls,
    );
  }

  /** Bring the viewer up to date with the pictures there are. */
  refresh(job) {
    const all = this.pictures.inOrder();
    this.several = job.steps?.length > 1;
    this.controls.hidden = all.length < 2;
    this.slider.max = String(Math.max(0, all.length - 1));
    if (this.mode === "latest" && this.pictures.latest) this.#show(this.pictures.latest);
    else if (this.shown) this.slider.value = String(all.findIndex((o) => keyOf(o.step, o.frame) === keyOf(this.shown.step, this.shown.frame)));
    this.follow.setAttribute("aria-pressed", String(this.mode === "latest"));
  }

  /** Show one frame if it has a picture. */
  peek(step, frame) {
    const output = this.pictures.of(step, frame);
    if (!output || this.mode === "playing") return;
    this.mode = "still";
    this.follow.setAttribute("aria-pressed", "false");
    this.#show(output);
  }

  togglePlay() {
    if (this.mode === "playing") this.#stop("still");
    else if (this.pictures.inOrder().length > 1) this.#start();
  }

  close() {
    clearInterval(this.timer);
  }

  #start() {
    this.mode = "playing";
    setText(this.play, "‖ Pause");
    this.follow.setAttribute("aria-pressed", "false");
    this.timer = setInterval(() => this.#step(), 1000 / FRAMES_PER_SECOND);
  }

  #stop(mode) {
    clearInterval(this.timer);
    this.mode = mode;
    setText(this.play, "▸ Play");
    this.follow.setAttribute("aria-pressed", String(mode === "latest"));
  }

  #latest() {
    this.#stop("latest");
    if (this.pictures.latest) this.#show(this.pictures.latest);
  }

  #seek(index) {
    this.#stop("still");
    this.#show(this.pictures.inOrder()[index]);
  }

  /** Go on by one frame, once the picture shown now has been drawn. */
  #step() {
    if (this.drawing) return;
    const all = this.pictures.inOrder();
    const now = all.findIndex((output) => output.id === this.shown?.id);
    this.#show(all[(now + 1) % all.length]);
  }

  async #show(output) {
    if (!output || output.id === this.shown?.id) return;
    this.shown = output;
    this.drawing = true;
    const image = this.#load(output);
    try {
      await image.decode(); // the old picture stays until the new one can be drawn: no flicker
    } catch {
      if (this.shown === output) this.shown = null; // not made yet, or gone: the next event asks again
      this.loaded.delete(output.id);
      return;
    } finally {
      this.drawing = false;
    }
    if (this.shown === output) this.#place(output, image);
  }

  #place(output, image) {
    this.image.src = image.src;
    this.image.alt = `Frame ${output.frame} of ${output.step}`;
    this.image.dataset.output = output.id;
    this.image.hidden = false;
    this.nothing.hidden = true;
    const size = output.width ? ` · ${output.width} × ${output.height}` : "";
    const layers = output.layers?.length > 1 ? ` · ${count(output.layers.length)} layers` : "";
    setText(this.caption, `Frame ${output.frame}${this.several ? ` · ${output.step}` : ""}${size}${layers}`);
    this.when.replaceChildren(timeAgo(output.created));
    this.slider.value = String(this.pictures.inOrder().findIndex((o) => o.id === output.id));
    this.chosen(keyOf(output.step, output.frame));
  }

  #load(output) {
    let image = this.loaded.get(output.id);
    if (!image) {
      image = new Image();
      image.src = previewAddress(output.id);
      this.loaded.set(output.id, image);
      if (this.loaded.size > KEEP) this.loaded.delete(this.loaded.keys().next().value);
    }
    return image;
  }
}
