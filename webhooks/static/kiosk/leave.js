// The quick exit: everything is blank at once, the server is told to erase, and this page's place in the history is taken by a
// harmless one. Sent forms leave no entries (send.js), so Back leads to whatever was before.
import { fields, onPage } from "./page.js";

const presses = [];

export function leave() {
  const exit = document.body.dataset.exit;
  document.title = "";
  const told = fields({ action: "leave" });
  document.body.replaceChildren();
  navigator.sendBeacon("/", new URLSearchParams(told));
  location.replace(exit);
}

onPage(() => document.querySelector("[data-leave]")?.addEventListener("click", (event) => {
  event.preventDefault();
  leave();
}));

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.repeat) return;
  presses.push(event.timeStamp);
  if (presses.length > 3) presses.shift();
  if (presses.length === 3 && event.timeStamp - presses[0] < 3000) leave();
});
