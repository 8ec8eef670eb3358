// Faults, fixes, history, and the clock.
import { find, make, moment, settled } from "./dom.js";
import { change, get, on, tell } from "./lab.js";

let every = false;

const faultItem = (fault) => make("li", {},
  make("button", {
    role: "switch", "aria-checked": String(fault.active), "data-fault": fault.name,
    onclick: async () => {
      const done = await change(fault.active ? "DELETE" : "PUT", `faults/${encodeURIComponent(fault.name)}`);
      if (done) tell(fault.active ? `The fault ${fault.name} is gone.` : `The lab is broken by ${fault.name}.`);
      refresh();
    },
  }, `${fault.active ? "on" : "off"}: ${fault.name}`),
  make("p", {}, fault.what));

const CURES = { yes: "cures", partly: "cures in part", no: "does not cure" };
const fixItem = (fix) => make("li", {},
  make("button", {
    disabled: fix.active, "data-fix": fix.name,
    onclick: async () => {
      if (await change("PUT", `fixes/${encodeURIComponent(fix.name)}`)) tell(`The fix ${fix.name} is in force. Queued mail is tried when it is due, or now with "Try all now".`);
      refresh();
    },
  }, fix.active ? `in force: ${fix.name}` : `apply: ${fix.name}`),
  make("p", {}, fix.what),
  make("details", {}, make("summary", {}, "Does it cure?"), make("p", {}, `It ${CURES[fix.cures] || fix.cures}.${fix.weakens ? ` It costs security: ${fix.weakens}` : ""}`)));

async function load() {
  const [faults, fixes, history] = await Promise.all([get(`faults?every=${every}`), get("fixes"), get("history")]);
  find("fault-list").replaceChildren(...faults.map(faultItem));
  if (!faults.length) find("fault-list").append(make("li", { class: "soft" }, "The scenario has no fault of its own."));
  find("fix-list").replaceChildren(...fixes.map(fixItem));
  if (!fixes.length) find("fix-list").append(make("li", { class: "soft" }, "The scenario has no fix."));
  find("history-list").replaceChildren(...history.map((one) => make("li", { value: one.number }, `${moment(one.at)} ${one.text}`)));
  find("history-scroll").scrollTop = find("history-scroll").scrollHeight;
}
const refresh = settled(() => load().catch(() => undefined), 50);

export function tellStory(status) {
  find("story").replaceChildren(
    status.report ? make("p", {}, make("strong", {}, "What users say: "), status.report) : null,
    status.why ? make("details", {}, make("summary", {}, "What really happens (the solution)"), make("p", {}, status.why)) : null);
}
find("every-fault").addEventListener("click", () => { every = true; find("every-fault").hidden = true; load(); });
find("undo").addEventListener("click", async () => {
  const done = await change("POST", "undo");
  if (done) tell(`Undid ${done.undone.number}: ${done.undone.text}.`);
});
find("reset").addEventListener("click", async () => {
  if (!confirm("All mail and changes of this lab will be gone. Go on?")) return;
  if (await change("POST", "reset")) tell("The lab is as it began.");
});

// --- the clock
const clock = { base: 0, anchor: 0, speed: 1 };
export function setClock({ now, speed }) {
  Object.assign(clock, { base: Date.parse(now), anchor: performance.now(), speed });
  const choice = find("speed");
  if (![...choice.options].some((one) => Number(one.value) === speed)) choice.append(make("option", { value: String(speed) }, `${speed} times`));
  choice.value = String(speed);
  tick();
}
function tick() {
  if (!clock.base) return;
  const text = `${new Date(clock.base + (performance.now() - clock.anchor) * clock.speed).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  find("lab-time").textContent = text;
  find("lab-time").dateTime = text.slice(0, 19).replace(" ", "T") + "Z";
  find("clock-now").textContent = text;
}
setInterval(tick, 500);
for (const button of document.querySelectorAll("[data-forward]")) {
  button.addEventListener("click", async () => {
    const now = await change("POST", "clock", { forward: Number(button.dataset.forward) });
    if (now) { setClock(now); tell(`It is ${moment(now.now)} in the lab.`); }
  });
}
find("speed").addEventListener("change", async (event) => {
  const now = await change("POST", "clock", { speed: Number(event.target.value) });
  if (now) setClock(now);
});
on(["clock"], setClock);
on(["configuration", "resync", "open"], refresh);
