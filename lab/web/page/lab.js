// Speaks with the lab: the same control API that the command line uses.
import { find } from "./dom.js";

const kept = sessionStorage, entered = localStorage; // whoever entered with a one-time secret has no other to enter with again
if (location.hash.length > 20) {
  kept.setItem("token", location.hash.slice(1));
  history.replaceState(null, "", location.pathname); // the token is not to stay in the address
}
const token = () => kept.getItem("token") || entered.getItem("token") || "";
export const hasToken = () => Boolean(token());
export const useToken = (word) => kept.setItem("token", word);
function ask(form) {
  find("token-form").hidden = form !== "token-form";
  if (form === "entrance" && find("entrance").hidden) fetch("/api/session").then((response) => response.json()).then(({ user }) => { find("user").value = user; find("lab-name").textContent = user; });
  find("entrance").hidden = form !== "entrance";
  document.body.classList.toggle("shut", form === "entrance"); // there is nothing to be seen yet
}

export function tell(text, bad = false) {
  const place = find("told");
  place.textContent = text;
  place.className = bad ? "bad" : "";
}

export async function get(path) {
  const response = await fetch(`/api/${path}`);
  if (response.status === 401) ask("entrance");
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.json();
}

// Changes something; says what is wrong where the lab refuses. Returns undefined then.
export async function change(method, path, body) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(`/api/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const answer = await response.json();
    if (response.ok) return answer;
    tell(`${answer.detail}${answer.hint ? ` (${answer.hint})` : ""}`, true);
    if (response.status === 401 || response.status === 403) ask(entered.getItem("user") ? "entrance" : "token-form");
  } catch (error) {
    tell(`The lab does not answer: ${error.message}`, true);
  }
  return undefined;
}

// Exchanges a one-time secret for a session.
export async function enter(user, secret) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch("/api/session", { method: "POST", headers, body: JSON.stringify({ user, secret }) });
  const answer = await response.json();
  if (!response.ok) return tell(answer.detail, true);
  entered.setItem("user", user);
  entered.setItem("token", answer.token);
  return location.reload();
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
