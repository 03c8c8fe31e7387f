/** Speak to the service. The session cookie goes along by itself; scripts never see it. */

const ROOT = "/api/v1";

/** What the service answered when it said no, or `offline` when it did not answer. */
export class ApiError extends Error {
  constructor(status, { code = "", message = "", next = "", allowed = [] } = {}) {
    super(message || `The service answered ${status}.`);
    this.status = status;
    this.code = code;
    this.next = next;
    this.allowed = allowed;
  }
}

/** Return the address of a route, with the parameters that are set; a list is a parameter that comes several times. */
export function address(route, parameters = {}) {
  const all = Object.entries(parameters).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => [name, one]));
  const set = all.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(set).toString();
  return ROOT + route + (query ? `?${query}` : "");
}

/** GET JSON. */
export async function get(route, parameters, signal) {
  return (await ask(address(route, parameters), { signal })).json();
}

/** POST JSON and return the JSON answer, or null where there is none. */
export async function post(route, body = {}) {
  return send("POST", route, body);
}

/** End the session. */
export async function signOut() {
  return send("DELETE", "/session", {});
}

async function send(method, route, body) {
  const response = await ask(ROOT + route, {
    method,
    headers: { "Content-Type": "application/json", "X-Conductor": "1" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** GET some bytes of a log: `{bytes, size}`, where size is that of the whole log. */
export async function logPart(attempt, offset, limit, signal) {
  const response = await ask(address(`/attempts/${encodeURIComponent(attempt)}/log`, { offset, limit }), { signal });
  const part = new Uint8Array(await response.arrayBuffer());
  return { bytes: part, size: Number(response.headers.get("X-Log-Size") ?? offset + part.length) };
}

/** Return where the picture of an output is. */
export function previewAddress(output) {
  return address(`/outputs/${encodeURIComponent(output)}/preview`);
}

async function ask(url, options) {
  const response = await reach(url, options);
  if (response.ok) return response;
  throw new ApiError(response.status, await explanation(response));
}

async function reach(url, options) {
  try {
    return await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {
      code: "offline",
      message: "The service does not answer.",
      next: "Check the network; this page goes on by itself when it is back.",
    });
  }
}

async function explanation(response) {
  try {
    return (await response.json()).error ?? {};
  } catch {
    return {}; // a proxy's own page
  }
}
