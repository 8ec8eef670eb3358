// Sessions: the list, lines as they happen, and one session whole with the chains of both legs side by side.
import { common, fill, find, make, moment, settled } from "./dom.js";
import { get, on } from "./lab.js";

const MOST = 60, MOST_LINES = 400;
const known = new Map();
let chosen = null;

const secured = (session) => session.legs.map((leg) => (leg.tls ? leg.tls.split(" ")[0] : leg.tls_failed ? "TLS failed" : "plain")).join(" / ");
const shown = (session) => session.legs.map((leg) => (leg.tls || leg.shown_by_receiver ? common(leg.shown_by_receiver) : "-")).join(" / ");

function row(session) {
  const found = session.legs.some((leg) => leg.findings.length || leg.tls_failed);
  return make("tr", { class: session.id === chosen ? "chosen" : null },
    make("td", {}, make("button", { class: "name", "data-key": session.id, onclick: () => open(session.id) }, session.id),
      make("br"), make("span", { class: "soft" }, session.open ? "open" : `${moment(session.began).slice(11)}, ${session.seconds.toFixed(3)} s`)),
    make("td", {}, session.peer || ""),
    make("td", { class: found ? "bad" : "" }, secured(session), session.behaviours.length ? make("span", { class: "soft" }, ` ${session.behaviours.join(", ")}`) : null),
    make("td", { class: found ? "bad" : "" }, shown(session)),
    make("td", { class: "words" }, session.last || ""));
}

function showList() {
  const newest = [...known.values()].sort((a, b) => Number(b.id.split("-").pop()) - Number(a.id.split("-").pop())).slice(0, MOST);
  known.clear();
  for (const session of newest) known.set(session.id, session);
  fill(find("session-table"), newest.map(row), "No session yet.", 5);
}
const refreshList = settled(showList, 200);

function line(entry, where) {
  const kind = { fault: "fault", "tls-failed": "fault", behaviour: "note", note: "note", tls: "note", certificates: "note", verdict: "note" }[entry.kind];
  const stamp = `[${entry.at.toFixed(3).padStart(7, "0")}] `;
  return entry.text.map((text, number) => make("p", { class: kind || (entry.secure ? "secure" : null) }, `${number ? " ".repeat(stamp.length) : stamp}${where}${text}`));
}

const waiting = [];
const showWaiting = settled(() => {
  const feed = find("feed"), below = feed.scrollHeight - feed.scrollTop - feed.clientHeight < 40;
  feed.append(...waiting.splice(0));
  while (feed.childElementCount > MOST_LINES) feed.firstElementChild.remove();
  if (below) feed.scrollTop = feed.scrollHeight;
}, 100);

function certificates(chain) {
  const whose = chain.shown_by === "sender" ? "the sender" : "the receiver";
  const parts = [make("h4", {}, `${chain.leg === "sender" ? "Towards the sender" : "Towards the receiver"}: shown by ${whose}`)];
  if (!chain.certificates.length) parts.push(make("p", {}, "no certificate"));
  chain.certificates.forEach((one, number) => {
    const facts = { Subject: one.subject, Issuer: one.issuer, Names: one.names.join(", ") || "none", Valid: `${moment(one.not_before)} to ${moment(one.not_after)}`, Key: one.key, Thumbprint: one.thumbprint };
    parts.push(make("p", { class: "soft" }, `${number + 1} of ${chain.certificates.length}`), make("dl", {}, ...Object.entries(facts).flatMap(([word, value]) => [make("dt", {}, word), make("dd", {}, value)])));
  });
  parts.push(make("p", { class: chain.findings.length ? "bad" : "soft" }, chain.findings.length ? `found: ${chain.findings.join(", ")}` : chain.judged ? "judged, and nothing found" : "not judged by anybody in this session"));
  return make("div", { class: "chain" }, ...parts);
}

export async function open(id) {
  chosen = id;
  showList();
  const place = find("session");
  try {
    const { session, lines, chains } = await get(`sessions/${encodeURIComponent(id)}`);
    if (chosen !== id) return;
    const two = session.legs.length > 1;
    place.replaceChildren(
      make("h3", { tabindex: "-1" }, `${session.id}: ${session.host} and ${session.peer || "nobody"}`),
      make("div", { class: "chains" }, ...[...chains].sort((a, b) => (a.leg < b.leg ? 1 : a.leg > b.leg ? -1 : 0)).map(certificates)),
      make("div", { class: "lines tall", tabindex: "0", role: "region", "aria-label": `Transcript of ${session.id}` }, ...lines.flatMap((entry) => line(entry, two ? `${entry.leg.padEnd(8)} | ` : ""))));
  } catch (error) {
    place.replaceChildren(make("p", { class: "bad" }, error.message));
  }
}

async function load() {
  for (const session of await get(`sessions?limit=${MOST}`)) known.set(session.id, session);
  showList();
}
on(["session"], (session) => {
  known.set(session.id, session);
  refreshList();
  if (session.id === chosen && !session.open) open(session.id);
});
on(["entry"], (entry) => {
  const where = `${entry.session.padEnd(12)} ${entry.host === "appliance" ? `${entry.leg.padEnd(8)} | ` : ""}`;
  waiting.push(...line(entry, where));
  if (waiting.length > MOST_LINES) waiting.splice(0, waiting.length - MOST_LINES);
  showWaiting();
});
const sampled = settled(() => { find("sampling").hidden = true; }, 4000);
on(["sampling"], ({ sessions, shown: told }) => {
  const place = find("sampling");
  place.textContent = `${sessions} sessions a second: ${told} of them are shown, all are kept`;
  place.hidden = false;
  sampled();
});
on(["resync", "open"], () => load().catch(() => undefined));
on(["many"], () => load().catch(() => undefined));
