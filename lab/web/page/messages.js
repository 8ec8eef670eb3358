// Queues, message trace and mailboxes.
import { fill, find, make, moment, pager, settled } from "./dom.js";
import { change, get, on, tell } from "./lab.js";
import { open as openSession } from "./sessions.js";

const TONES = { delivered: "good", deferred: "bad", bounced: "bad", waiting: "warn" };
let mailbox = null;

// --- queues
const queueRow = (one) => make("tr", {},
  make("td", {}, make("button", { class: "name", "data-key": `queue ${one.id}`, onclick: () => trace(one.id) }, one.id)),
  make("td", {}, `${one.sender || "<>"} to ${one.recipient}`), make("td", {}, String(one.attempts)), make("td", {}, moment(one.next_try)),
  make("td", { class: "words bad" }, one.last_error || "not tried yet"));

const queuePages = pager(find("queue-pages"), 100, () => queue());
async function loadQueue() {
  const [rows, { messages: counts }] = await Promise.all([get(`messages?queued=true&limit=${queuePages.size}&offset=${queuePages.offset}`), get("status")]);
  fill(find("queue-table"), rows.map(queueRow), "Nothing waits.", 5);
  queuePages.show(rows.length, (counts.waiting || 0) + (counts.deferred || 0));
  find("retry").disabled = rows.length === 0;
}
find("retry").addEventListener("click", async () => {
  const done = await change("POST", "queue/retry", {});
  if (done) tell(`${done.ids.length} messages are tried now.`);
});

// --- trace
const messageRow = (one) => make("tr", {},
  make("td", {}, make("button", { class: "name", "data-key": `trace ${one.id}`, onclick: () => trace(one.id) }, one.id)),
  make("td", {}, moment(one.submitted)), make("td", {}, `${one.sender || "<>"} to ${one.recipient}`),
  make("td", { class: TONES[one.outcome] || "" }, one.outcome));

const messagePages = pager(find("message-pages"), 60, () => messages());
async function loadMessages() {
  const [rows, { messages: counts }] = await Promise.all([get(`messages?limit=${messagePages.size}&offset=${messagePages.offset}`), get("status")]);
  fill(find("message-table"), rows.map(messageRow), "There is no message yet.", 4);
  messagePages.show(rows.length, Object.values(counts).reduce((sum, one) => sum + one, 0));
}

async function trace(id) {
  const place = find("message");
  try {
    const { message, attempts, events, mailboxes } = await get(`messages/${encodeURIComponent(id)}`);
    place.replaceChildren(
      make("h3", {}, `${message.id}: ${message.subject || "(no subject)"}`),
      make("p", {}, `${message.message_id}, ${message.size} bytes. ${message.outcome}${message.next_try ? `, next try ${moment(message.next_try)}` : ""}`),
      make("ol", {}, ...attempts.map((one) => make("li", {},
        `${moment(one.at)} ${one.outcome} at ${one.target} ${one.address}${one.outcome === "delivered" ? `, ${one.security}` : ""} `,
        one.session ? make("button", { class: "name", onclick: () => { openSession(one.session); location.hash = "session"; } }, one.session) : null,
        one.words ? make("p", { class: "bad words" }, one.words) : null))),
      make("ul", {}, ...events.map((one) => make("li", {}, `${moment(one.at)} ${one.event} ${one.source} ${one.detail}`))),
      ...mailboxes.map((one) => make("p", { class: "good" }, `lies in ${one.mailbox} at ${one.host}`)));
  } catch (error) {
    place.replaceChildren(make("p", { class: "bad" }, error.message));
  }
}

// --- mailboxes
const mailPages = pager(find("mail-pages"), 100, () => boxes());
async function loadMailboxes() {
  const all = await get("mailboxes"), choice = find("mailbox");
  const names = all.map((one) => one.address).join();
  if (choice.dataset.names !== names) {
    choice.dataset.names = names;
    choice.replaceChildren(...all.map((one) => make("option", { value: one.address }, one.address)));
  }
  all.forEach((one, number) => { choice.options[number].textContent = `${one.address} (${one.messages})`; });
  mailbox = mailbox || (all.find((one) => one.messages) || all[0]).address;
  choice.value = mailbox;
  const rows = await get(`mailboxes/${encodeURIComponent(mailbox)}?limit=${mailPages.size}&offset=${mailPages.offset}`);
  mailPages.show(rows.length, (all.find((one) => one.address === mailbox) || { messages: rows.length }).messages);
  fill(find("mail-table"), rows.map((one) => make("tr", {},
    make("td", {}, make("button", { class: "name", "data-key": `mail ${one.mailbox} ${one.number}`, onclick: () => read(one) }, one.subject || "(no subject)")),
    make("td", {}, one.sender || "<>"), make("td", {}, moment(one.at)), make("td", {}, String(one.size)))), "It is empty.", 4);
}
find("mailbox").addEventListener("change", (event) => { mailbox = event.target.value; mailPages.offset = 0; find("mail").replaceChildren(); boxes(); });

async function read(one) {
  const path = `mailboxes/${encodeURIComponent(one.mailbox)}/${one.number}`;
  const { headers, text, left_out: left } = await get(path);
  find("mail").replaceChildren(
    make("h3", {}, one.subject || "(no subject)"),
    make("pre", { class: "tall", tabindex: "0", role: "region", "aria-label": "Message" }, `${headers.map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${text}`),
    make("p", {}, left ? `${left} more bytes are not shown. ` : "", make("a", { href: `/api/${path}/content`, download: `${one.number}.eml` }, "Save the message, byte for byte")));
}

const queue = settled(() => loadQueue().catch(() => undefined)), messages = settled(() => loadMessages().catch(() => undefined));
const boxes = settled(() => loadMailboxes().catch(() => undefined));
on(["message", "many", "resync", "open", "clock", "configuration"], () => { queue(); messages(); });
on(["mail", "many", "resync", "open", "configuration"], boxes);
