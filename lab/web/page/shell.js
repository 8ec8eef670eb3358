// The management shell and the examiner, where the lab has them.
import { find, make } from "./dom.js";
import { change, get } from "./lab.js";

const lines = [];
let position = 0;

export function offerShell(status) {
  find("examine-host").replaceChildren(...status.hosts.filter((host) => host.name !== "dns" && host.name !== "sts").map((host) => make("option", { value: host.name }, `${host.name} (${host.fqdn})`)));
}

find("shell-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const output = find("shell-output"), line = field.value;
  close();
  lines.push(line);
  position = lines.length;
  field.value = "";
  output.append(`${find("shell-prompt").textContent} ${line}\n`);
  const done = await change("POST", "shell", { line, shell: "page" });
  if (done) {
    for (const { stream, text } of done.pieces) output.append(make("span", { class: stream }, text));
    find("shell-prompt").textContent = done.prompt;
  }
  output.scrollTop = output.scrollHeight;
});
// --- completion: Tab takes the next word while there is something to complete; it never holds who wants to leave.
const field = find("shell-line"), words = find("shell-words");
let offers = null; // { before, behind, texts, chosen } while the list is open
let left = false; // Escape was pressed: the next Tab leaves

function close() {
  offers = null;
  words.hidden = true;
  words.replaceChildren();
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}
function take(number) {
  offers.chosen = (number + offers.texts.length) % offers.texts.length;
  const text = offers.texts[offers.chosen];
  field.value = offers.before + text + offers.behind;
  field.setSelectionRange(offers.before.length + text.length, offers.before.length + text.length);
  [...words.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === offers.chosen)));
  words.children[offers.chosen].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", words.children[offers.chosen].id);
}
async function complete(leave) {
  const line = field.value, position = field.selectionStart;
  const done = await change("POST", "shell/completion", { line, position, shell: "page" });
  if (field.value !== line) return; // somebody typed on
  const found = done ? done.words : [];
  if (!found.length) { if (leave) find("shell-run").focus(); return; } // nothing begins like that: Tab does what it does everywhere
  const before = line.slice(0, position - found[0].length);
  offers = { before, behind: line.slice(position), texts: found.map((one) => one.text), chosen: -1 };
  words.replaceChildren(...found.map((one, place) => make("li", { role: "option", id: `shell-word-${place}`, "aria-selected": "false",
    onclick: () => { take(place); close(); field.focus(); } }, one.text)));
  words.hidden = found.length < 2;
  field.setAttribute("aria-expanded", String(found.length > 1));
  take(0);
  if (found.length === 1) close();
}
field.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && !event.ctrlKey && !event.altKey && !left && (offers || (!event.shiftKey && field.value.slice(0, field.selectionStart).trim()))) {
    event.preventDefault();
    if (offers) take(offers.chosen + (event.shiftKey ? -1 : 1));
    else complete(true);
  } else if (event.key === " " && event.ctrlKey) {
    event.preventDefault();
    complete(false);
  } else if (event.key === "Escape") {
    left = true;
    close();
  } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    event.preventDefault();
    const by = event.key === "ArrowUp" ? -1 : 1;
    if (offers) { take(offers.chosen + by); return; }
    position = Math.min(Math.max(position + by, 0), lines.length);
    field.value = lines[position] || "";
  } else if (!["Shift", "Control", "Alt", "Meta", "Tab"].includes(event.key)) {
    left = false;
    close();
  }
});
field.addEventListener("input", () => { left = false; close(); });
field.addEventListener("blur", () => { // a click on a word comes first, and who is back at once is still completing
  left = false;
  setTimeout(() => { if (document.activeElement !== field) close(); }, 200);
});

find("examine-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const place = find("examination");
  place.textContent = "examining";
  const done = await change("POST", "examinations", { host: find("examine-host").value });
  place.textContent = done ? done.report : "It could not be examined.";
});
