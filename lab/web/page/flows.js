// The flow matrix, and a button for each of its rows.
import { fill, find, make, settled } from "./dom.js";
import { change, get, on, tell } from "./lab.js";

const TONES = { delivered: "good", deferred: "bad", bounced: "bad", none: "soft", waiting: "warn" };

async function send(flow) {
  const sent = await change("POST", "messages", { flow, wait: 30 });
  if (sent) tell(`Sent along ${flow}: ${sent.ids.join(", ")}.`);
  refresh();
}

function row(flow) {
  const why = [flow.findings.join(", "), flow.words].filter(Boolean);
  return make("tr", { "data-flow": flow.flow },
    make("th", { scope: "row" }, flow.flow, make("br"), make("span", { class: "soft" }, `${flow.sender} to ${flow.recipient}`)),
    make("td", { class: TONES[flow.outcome] || "" }, flow.outcome === "none" ? "no message yet" : flow.outcome),
    make("td", {}, flow.outcome === "delivered" ? flow.security : ""),
    make("td", { class: "words" }, why.join("; ")),
    make("td", {}, make("button", { "data-key": `send ${flow.flow}`, "aria-label": `Send along ${flow.flow}`, onclick: () => send(flow.flow) }, "Send")));
}

async function load() {
  fill(find("flow-table"), (await get("flows")).map(row), "The topology has no flow.", 5);
}
const refresh = settled(() => load().catch(() => undefined));
find("send-all").addEventListener("click", async () => {
  const flows = await get("flows");
  await Promise.all(flows.map((flow) => change("POST", "messages", { flow: flow.flow, wait: 30 })));
  tell("One message was sent along each flow.");
  refresh();
});
on(["message", "many", "configuration", "resync", "open"], refresh);
