// The page: what it shows comes from the control API, and what changes comes by server-sent events.
import { find } from "./dom.js";
import { enter, follow, get, hasToken, on, tell, useToken } from "./lab.js";
import { drawMap, loadWires } from "./topology.js";
import "./flows.js";
import "./sessions.js";
import "./messages.js";
import { setClock, tellStory } from "./changes.js";
import { offerShell } from "./shell.js";

let drawn = "";
async function look() {
  const status = await get("status");
  document.title = `${status.name} - smtplab`;
  find("lab-name").textContent = status.name;
  find("lab-scenario").textContent = `${status.scenario}, era ${status.era}`;
  find("lab-title").textContent = status.title;
  find("storage").hidden = !status.storage_failure;
  find("storage").textContent = status.storage_failure ? `Nothing can be stored (${status.storage_failure}); mail is refused` : "";
  setClock(status);
  const hosts = JSON.stringify(status.hosts);
  if (hosts !== drawn) {
    drawn = hosts;
    drawMap(status);
    tellStory(status);
    offerShell(status);
    await loadWires();
  }
}
find("token-form").hidden = hasToken();
find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(find("token").value.trim());
  find("token-form").hidden = true;
  tell("The token is used from now on.");
});
find("entrance").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(find("user").value.trim(), find("secret").value.trim()).catch((error) => tell(error.message, true));
});
on(["open", "resync", "configuration"], () => look().catch((error) => tell(error.message, true)));
follow();
if (!hasToken()) look().catch(() => undefined); // a lab with a door says so
setInterval(() => look().catch(() => undefined), 15000);
