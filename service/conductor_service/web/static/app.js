/** Start: find out who is signed in, then show the page that the address names. */

import { get, signOut } from "./api.js";
import { el, fill, setText } from "./dom.js";
import { signInPage } from "./pages/signin.js";
import { jobsPage } from "./pages/jobs.js";
import { jobPage } from "./pages/job.js";
import { instancesPage } from "./pages/instances.js";
import { refreshTimes, toastError } from "./widgets.js";

const SAID = { connecting: "connecting", live: "live", offline: "offline, reconnecting" };

const main = document.getElementById("main");
const bar = document.getElementById("bar");
const line = el("span", { class: "line", role: "status", id: "line" });
let me = null;
let page = null;

/** `#/jobs/12?frame=7` → `{path: ["jobs", "12"], query}`. */
function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

function pageFor({ path, query }) {
  const context = { main, me, query, said, failed };
  if (path[0] === "jobs" && path[1]) return jobPage({ ...context, job: path[1] });
  if (path[0] === "instances") return instancesPage(context);
  return jobsPage(context);
}

/** Show the state of the live line where everybody sees it. */
function said(state) {
  line.dataset.line = state;
  setText(line, SAID[state]);
  document.body.classList.toggle("offline", state === "offline");
}

/** A page could not be loaded: sign in again, or say why. */
function failed(error) {
  if (error.status === 401) signIn("Your session has ended. Sign in again.");
  else toastError(error);
}

function show() {
  page?.close();
  page = null;
  const { path, query } = route();
  if (!me) {
    signIn("");
    return;
  }
  fill(main);
  window.scrollTo(0, 0);
  for (const link of bar.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", link.dataset.page === (path[0] === "instances" ? "instances" : "jobs"));
  }
  page = pageFor({ path, query });
}

function signIn(why) {
  page?.close();
  me = null;
  bar.hidden = true;
  document.body.classList.remove("offline");
  page = signInPage({ main, why, signedIn: start });
}

function showBar() {
  const out = el("button", { type: "button", class: "plain", onclick: leave }, "Sign out");
  fill(
    bar,
    el("a", { class: "brand", href: "#/jobs" }, el("span", { class: "mark", "aria-hidden": "true" }), "Conductor"),
    el(
      "nav",
      { "aria-label": "Pages" },
      el("a", { href: "#/jobs", data: { page: "jobs" } }, "Jobs"),
      el("a", { href: "#/instances", data: { page: "instances" } }, "Instances"),
    ),
    line,
    el("span", { class: "who", title: me.user.email ?? "" }, `${me.user.name} · ${me.account.name}`),
    out,
  );
  bar.hidden = false;
}

async function leave() {
  try {
    await signOut();
    signIn("You are signed out.");
  } catch (error) {
    toastError(error);
  }
}

async function start() {
  try {
    const [who, catalogue] = await Promise.all([get("/me"), get("/catalogue")]);
    me = { ...who, currency: catalogue.currency ?? "" };
  } catch (error) {
    if (error.status === 401) {
      signIn("");
    } else {
      toastError(error);
      setTimeout(start, 3000);
    }
    return;
  }
  showBar();
  show();
}

addEventListener("hashchange", show);
setInterval(refreshTimes, 5000);
start();
