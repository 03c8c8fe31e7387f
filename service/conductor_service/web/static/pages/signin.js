/** Sign in with a token; the service answers with a cookie that scripts cannot read. */

import { post } from "../api.js";
import { el, fill, setText } from "../dom.js";

/** Show the form; `signedIn` is called when the service took the token. */
export function signInPage({ main, why, signedIn }) {
  document.title = "Sign in · Conductor";
  const field = el("input", {
    id: "token",
    name: "token",
    type: "password",
    autocomplete: "current-password",
    placeholder: "cdr_…",
    spellcheck: "false",
    required: true,
    "aria-describedby": "token-error",
  });
  const problem = el("p", { id: "token-error", class: "problem", role: "alert" }, why);
  const button = el("button", { class: "primary", type: "submit" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    setText(problem, "");
    try {
      await post("/session", { token: field.value.trim() });
      signedIn();
    } catch (error) {
      setText(problem, explain(error));
      field.select();
    } finally {
      button.disabled = false;
    }
  };
  fill(
    main,
    el(
      "form",
      { class: "signin", onsubmit: submit },
      el("span", { class: "mark large", "aria-hidden": "true" }),
      el("h1", {}, "Conductor"),
      el("label", { for: "token" }, "Your token"),
      field,
      problem,
      button,
      el("p", { class: "hint" }, "The first start of the service says in which file the owner's token lies. ", el("code", {}, "conductor login"), " uses the same one."),
    ),
  );
  field.focus();
  return { close() {} };
}

function explain(error) {
  if (error.status === 401) return "That token is wrong, expired or revoked. Check that all of it was pasted.";
  return [error.message, error.next].filter(Boolean).join(" ");
}
