// The map: hosts, and between each two of them the newest session, by what its ends saw of it.
import { common, draw, find, make } from "./dom.js";
import { get, on } from "./lab.js";

const PLACES = { online: [150, 75], internet: [150, 255], appliance: [480, 165], exchange: [840, 165] };
const WAYS = [["online", "appliance"], ["internet", "appliance"], ["appliance", "exchange"], ["online", "internet"]];
const WORDS = { online: "Exchange Online", internet: "Somebody else", appliance: "Appliance", exchange: "Exchange" };
const wires = new Map();

const keyOf = (one, other) => (WAYS.some(([a, b]) => a === one && b === other) ? `${one} ${other}` : `${other} ${one}`);

// Which line a session belongs to. All that Exchange sends or gets passes the appliance, whether or not it lets itself be seen.
function wayOf(session) {
  if (session.host === "appliance") return null; // its two legs are what the ends saw
  const leg = session.legs[0];
  if (!leg) return null;
  const peer = leg.host;
  if (session.host === "exchange") return [keyOf("appliance", "exchange"), leg];
  if (peer === "appliance" || peer === "exchange") return [keyOf(session.host, "appliance"), leg];
  return peer === "online" || peer === "internet" ? [keyOf("online", "internet"), leg] : null;
}

export function drawMap(status) {
  const map = find("map");
  map.replaceChildren(map.querySelector("title"));
  for (const [one, other] of WAYS) {
    const [x1, y1] = PLACES[one], [x2, y2] = PLACES[other], key = keyOf(one, other);
    const upright = x1 === x2;
    const x = (x1 + x2) / 2, y = (y1 + y2) / 2;
    const line = draw("line", { x1, y1, x2, y2, class: "wire" });
    const shift = upright ? [0, 0] : y1 === y2 ? [0, -62] : one === "internet" ? [40, 40] : [40, -40];
    const first = draw("text", { x: x + shift[0], y: y + shift[1] - (upright ? 6 : 0) });
    const second = draw("text", { x: x + shift[0], y: y + shift[1] + (upright ? 12 : 17), class: "small" });
    map.append(line, first, second);
    wires.set(key, { line, first, second, open: new Set(), timer: null, words: "" });
  }
  for (const [name, [x, y]] of Object.entries(PLACES)) {
    const host = status.hosts.find((one) => one.name === name) || {};
    map.append(
      draw("rect", { x: x - 112, y: y - 36, width: 224, height: 72, rx: 8, class: "host" }),
      draw("text", { x, y: y - 11 }, WORDS[name]),
      draw("text", { x, y: y + 7, class: "small" }, (host.fqdn || "").length > 34 ? `${host.fqdn.slice(0, 32)}…` : host.fqdn || ""),
      draw("text", { x, y: y + 24, class: "small" }, `${host.address}:${host.port}`),
    );
  }
}

function show(session) {
  const found = wayOf(session);
  if (!found || !wires.has(found[0])) return;
  const [key, leg] = found, wire = wires.get(key);
  if (session.open) wire.open.add(session.id); else wire.open.delete(session.id);
  const findings = leg.findings.length > 0;
  const kind = leg.tls ? (findings ? "found" : "tls") : leg.tls_failed ? "found" : "plain";
  const secured = leg.tls ? leg.tls.split(" ")[0] : leg.tls_failed ? "TLS failed" : "plain text";
  const shown = leg.tls || leg.shown_by_receiver ? `shown: ${common(leg.shown_by_receiver)}` : "no certificate";
  wire.line.setAttribute("class", `wire ${kind} live`);
  wire.first.setAttribute("class", kind);
  wire.first.textContent = secured + (wire.open.size ? ` (${wire.open.size} open)` : "");
  wire.second.textContent = shown.length > 44 ? `${shown.slice(0, 43)}…` : shown;
  wire.words = `${key.replace(" ", " and ")}: ${session.id}, ${secured}, ${shown}${findings ? `; found: ${leg.findings.join(", ")}` : ""}`;
  clearTimeout(wire.timer);
  wire.timer = setTimeout(() => wire.line.classList.remove("live"), 900);
  find("wires").replaceChildren(...[...wires.values()].filter((one) => one.words).map((one) => make("li", {}, one.words)));
}

export async function loadWires() {
  for (const session of (await get("sessions?limit=200")).reverse()) show(session);
}
on(["session"], show);
