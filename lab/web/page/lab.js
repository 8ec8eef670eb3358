// Speaks with the lab: the same control API that the command line uses.
import { find } from "./dom.js";

const kept = sessionStorage;
if (location.hash.length > 20) {
  kept.setItem("token", location.hash.slice(1));
  history.replaceState(null, "", location.pathname); // the token is not to stay in the address
}
export const hasToken = () => Boolean(kept.getItem("token"));
export const useToken = (token) => kept.setItem("token", token);

export function tell(text, bad = false) {
  const place = find("told");
  place.textContent = text;
  place.className = bad ? "bad" : "";
}

export async function get(path) {
  const response = await fetch(`/api/${path}`);
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.json();
}

// Changes something; says what is wrong where the lab refuses. Returns undefined then.
export async function change(method, path, body) {
  const headers = { Authorization: `Bearer ${kept.getItem("token") || ""}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(`/api/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const answer = await response.json();
    if (response.ok) return answer;
    tell(`${answer.detail}${answer.hint ? ` (${answer.hint})` : ""}`, true);
    if (response.status === 401 || response.status === 403) find("token-form").hidden = false;
  } catch (error) {
    tell(`The lab does not answer: ${error.message}`, true);
  }
  return undefined;
}

const listeners = new Map();
export function on(kinds, listener) {
  for (const kind of kinds) listeners.set(kind, [...(listeners.get(kind) || []), listener]);
}
const announce = (kind, facts) => (listeners.get(kind) || []).forEach((listener) => listener(facts));

// The browser reconnects by itself and says by Last-Event-ID where it left off.
export function follow() {
  const events = new EventSource("/api/events");
  const place = find("connection");
  events.onopen = () => { place.textContent = "live"; place.className = "sign good"; announce("open", null); };
  events.onerror = () => { place.textContent = "the lab does not answer; trying again"; place.className = "sign bad"; };
  for (const kind of ["session", "entry", "message", "mail", "many", "configuration", "clock", "sampling", "resync"]) {
    events.addEventListener(kind, (event) => announce(kind, JSON.parse(event.data)));
  }
}
