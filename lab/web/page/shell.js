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
  const field = find("shell-line"), output = find("shell-output"), line = field.value;
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
find("shell-line").addEventListener("keydown", async (event) => {
  const field = event.target;
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    position = Math.min(Math.max(position + (event.key === "ArrowUp" ? -1 : 1), 0), lines.length);
    field.value = lines[position] || "";
    event.preventDefault();
  } else if (event.key === " " && event.ctrlKey) {
    const done = await change("POST", "shell/completion", { line: field.value, position: field.selectionStart, shell: "page" });
    if (done) find("shell-words").replaceChildren(...done.words.map(({ text: word, length }) => make("option", { value: field.value.slice(0, field.selectionStart - length) + word })));
    event.preventDefault();
  }
});

find("examine-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const place = find("examination");
  place.textContent = "examining";
  const done = await change("POST", "examinations", { host: find("examine-host").value });
  place.textContent = done ? done.report : "It could not be examined.";
});
